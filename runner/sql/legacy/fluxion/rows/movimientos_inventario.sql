insert into movimientos_inventario
select
    numbered('mov_', n + 1, 10) as id,
    day + to_microseconds(pick('moment', n, 86400000000)) as fecha_hora,
    day as fecha,
    location(pick('location', n, 16)) as ubicacion_id,
    product(some_product('movement', n)) as producto_id,
    ['salida', 'salida', 'entrada', 'ajuste', 'transferencia'][kind + 1] as tipo_movimiento,
    ['venta', 'devolucion', 'compra', 'merma', null][kind + 1] as subtipo_movimiento,
    if(kind = 4, 'cedi_01', null) as origen,
    if(kind = 4, location(pick('location', n, 16)), null) as destino,
    if(kind < 2, invoice_number(pick('invoice', n, getvariable('facturas'))), null) as referencia,
    quantity('quantity', n, 1, 500000) as cantidad,
    quantity('before', n, 0, 9000000) as stock_anterior,
    quantity('before', n, 0, 9000000) - quantity('quantity', n, 1, 500000) as stock_nuevo,
    quantity('cost', n, 5000, 900000) as costo_unitario,
    money('value', n, 1, 9000000) as valor_total,
    'usuario' || n % 12 as usuario,
    if(n % 50 = 0, 'conteo físico; «diferencia»', null) as observaciones
from (
    select
        n,
        date '2023-01-01' + (n * 730 // getvariable('movimientos_inventario'))::integer as day,
        pick('kind', n, 5) as kind
    from range(getvariable('first'), getvariable('past')) as numbers (n)
);
