with provider_services as (

    select * from {{ ref('stg_tinkubot__provider_services') }}

)

select
    -- ids
    provider_services.id,
    coalesce(
        merged_provider.target_key::uuid, provider_services.provider_id
    ) as proveedor_id,

    -- text
    provider_services.title as titulo,
    provider_services.description as descripcion,
    provider_services.category as categoria,
    {{ mapped('tipo_precio', 'provider_services.price_type') }} as tipo_precio,

    -- numerics
    provider_services.price as precio,

    -- json
    provider_services.availability as disponibilidad,

    -- booleans
    provider_services.is_active as esta_activo,

    -- timestamps
    provider_services.created_at as creado_at,
    provider_services.updated_at as actualizado_at,

    -- evidence
    provider_services.provider_id as raw__proveedor_id,
    provider_services.price_type as raw__tipo_precio,
    provider_services.raw_availability as raw__disponibilidad,
    'provider_services' as _source_table,
    provider_services._source_key,
    provider_services._source_row
from provider_services
left join
    {{ merged_into('tinkubot', 'users', 'proveedores') }} as merged_provider
    on merged_provider.source_key = provider_services.provider_id::text
{{ join_value_map('tinkubot', 'tipo_precio', 'provider_services.price_type') }}
