with movimientos_inventario as (

    select * from {{ ref('stg_fluxion__movimientos_inventario') }}

)

select
    -- ids
    id,
    ubicacion_id,
    producto_id,

    -- text
    tipo_movimiento,
    subtipo_movimiento,
    origen,
    destino,
    referencia,
    usuario,
    observaciones,

    -- numerics
    cantidad,
    stock_anterior,
    stock_nuevo,
    costo_unitario,
    valor_total,

    -- dates and times
    fecha_hora,
    fecha,

    -- evidence
    {{ converted_values('fluxion', 'movimientos_inventario', 'raw__', 'raw_') }}
    'movimientos_inventario' as _source_table,
    _source_key,
    _source_row
from movimientos_inventario
