insert into categorias_config
select
    numbered('cat_', n + 1, 4) as id,
    category(n) as categoria,
    'subcategoría ' || n // 10 as subcategoria,
    4 + n % 20 as rotacion_objetivo,
    7 as dias_cobertura_min,
    30 as dias_cobertura_max,
    1.2 as factor_seguridad,
    20.0 as alerta_stock_bajo_porcentaje,
    30 as alerta_vencimiento_dias,
    60 as alerta_sin_movimiento_dias,
    7 as frecuencia_revision_dias,
    1 as lote_minimo_pedido,
    1 + n % 6 as multiple_pedido,
    money('least', n, 100, 1500) as margen_minimo,
    money('wanted', n, 1500, 3000) as margen_objetivo,
    money('most', n, 3000, 9000) as margen_maximo,
    n % 11 <> 10 as activo,
    moment('created', n) as created_at,
    moment('created', n) + interval 1 day as updated_at
from range(getvariable('first'), getvariable('past')) as numbers (n);
