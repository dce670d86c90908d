with items_facturas as (

    select * from {{ ref('stg_fluxion__items_facturas') }}

)

select
    -- ids
    id,
    factura_id,
    producto_id,

    -- text
    numero_factura,
    codigo_producto,
    descripcion_producto,
    categoria_producto,
    marca_producto,
    modelo_producto,
    presentacion,

    -- numerics
    cantidad,
    precio_unitario,
    precio_total,
    descuento,
    costo_unitario,
    costo_total,
    margen,

    -- dates and times
    fecha_hora,
    fecha,

    -- evidence
    {{ converted_values('fluxion', 'items_facturas', 'raw__', 'raw_') }}
    'items_facturas' as _source_table,
    _source_key,
    _source_row
from items_facturas
