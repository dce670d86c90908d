insert into productos_abc_v2_historico
select
    'abc_' || n + 1 as id,
    product_code(n // 20) as codigo_producto,
    location(n % 20 % 16) as ubicacion_id,
    date '2024-01-01' + (n % 20 // 16)::integer as fecha_calculo,
    ['A', 'AB', 'B', 'BC', 'C'][pick('abc', n, 5) + 1] as clasificacion_abc_valor,
    ['X', 'Y', 'Z'][pick('xyz', n, 3) + 1] as clasificacion_xyz,
    null as matriz_abc_xyz,
    n // 20 + 1 as ranking_valor,
    money('value', n, 0, 90000000) as valor_consumo_total,
    quantity('share', n, 0, 1000000) as porcentaje_valor,
    quantity('sum', n, 0, 1000000) as porcentaje_acumulado,
    quantity('variation', n, 0, 50000) as coeficiente_variacion,
    quantity('week', n, 0, 300000) as demanda_promedio_semanal
from range(getvariable('first'), getvariable('past')) as numbers (n);
