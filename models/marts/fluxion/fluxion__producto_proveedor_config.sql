with producto_proveedor_config as (

    select * from {{ ref('stg_fluxion__producto_proveedor_config') }}

)

select
    -- ids
    id,
    producto_id,
    proveedor_id,

    -- text
    codigo_proveedor,
    descripcion_proveedor,
    moneda,

    -- numerics
    precio_compra,
    precio_anterior,
    cantidad_minima,
    multiple_compra,
    lead_time_dias,
    orden_preferencia,

    -- booleans
    es_proveedor_principal,
    activo,

    -- dates and times
    fecha_ultimo_precio,
    created_at,
    updated_at,

    -- evidence
    {{ converted_values(
        'fluxion', 'producto_proveedor_config', 'raw__', 'raw_'
    ) }}
    'producto_proveedor_config' as _source_table,
    _source_key,
    _source_row
from producto_proveedor_config
