insert into stock_actual
select
    location(n % 16) as ubicacion_id,
    product(n // 16) as producto_id,
    quantity('quantity', n, 0, 900000) as cantidad,
    0 as cantidad_reservada,
    quantity('quantity', n, 0, 900000) as cantidad_disponible,
    money('value', n, 0, 9000000) as valor_inventario,
    quantity('cost', n, 5000, 900000) as costo_promedio,
    moment('in', n) as ultima_entrada,
    moment('out', n) as ultima_salida,
    if(n % 9 = 0, null, moment('sold', n)) as ultima_venta,
    timestamp '2024-12-31 23:59:59.999999' as ultima_actualizacion,
    quantity('week', n, 0, 300000) as demanda_7_dias,
    quantity('month', n, 0, 1200000) as demanda_30_dias,
    money('turn', n, 0, 5000) as rotacion_anual,
    n % 10 = 0 as requiere_reposicion,
    pick('idle', n, 90) as dias_sin_movimiento,
    if(n % 3 = 0, date '2025-01-01' + (n % 400)::integer, null) as fecha_proximo_vencimiento
from range(getvariable('first'), getvariable('past')) as numbers (n);
