with movimientos_inventario as (

    select * from {{ ref('fluxion__movimientos_inventario') }}

)

select
    id::text as id,
    fecha_hora,
    fecha,
    ubicacion_id::text as ubicacion_id,
    producto_id::text as producto_id,
    tipo_movimiento::text as tipo_movimiento,
    subtipo_movimiento::text as subtipo_movimiento,
    origen::text as origen,
    destino::text as destino,
    referencia::text as referencia,
    cantidad,
    stock_anterior,
    stock_nuevo,
    costo_unitario,
    valor_total,
    usuario::text as usuario,
    observaciones
from movimientos_inventario
