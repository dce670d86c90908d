with stock_actual as (

    select * from {{ ref('stg_fluxion__stock_actual') }}

)

select
    -- ids
    ubicacion_id,
    producto_id,

    -- numerics
    cantidad,
    cantidad_reservada,
    cantidad_disponible,
    valor_inventario,
    costo_promedio,
    demanda_7_dias,
    demanda_30_dias,
    rotacion_anual,
    dias_sin_movimiento,

    -- booleans
    requiere_reposicion,

    -- dates and times
    ultima_entrada,
    ultima_salida,
    ultima_venta,
    ultima_actualizacion,
    fecha_proximo_vencimiento,

    -- evidence
    {{ converted_values('fluxion', 'stock_actual', 'raw__', 'raw_') }}
    'stock_actual' as _source_table,
    _source_key,
    _source_row
from stock_actual
