with producto_proveedor_config as (

    select * from {{ ref('fluxion__producto_proveedor_config') }}

)

select
    id::text as id,
    producto_id::text as producto_id,
    proveedor_id::text as proveedor_id,
    codigo_proveedor::text as codigo_proveedor,
    descripcion_proveedor::text as descripcion_proveedor,
    precio_compra,
    precio_anterior,
    fecha_ultimo_precio,
    moneda::text as moneda,
    cantidad_minima,
    multiple_compra,
    lead_time_dias,
    es_proveedor_principal,
    orden_preferencia,
    activo,
    created_at,
    updated_at
from producto_proveedor_config
