with provider_professions as (

    select * from {{ ref('stg_tinkubot__provider_professions') }}

)

select
    -- ids
    coalesce(
        merged_provider.target_key::uuid, provider_professions.provider_id
    ) as proveedor_id,
    coalesce(
        merged_profession.target_key::integer,
        provider_professions.profession_id
    ) as profesion_id,

    -- text
    provider_professions.specialty as especialidad,
    coalesce(
        {{ mapped(
            'estado_verificacion', 'provider_professions.verification_status'
        ) }},
        'pendiente'
    ) as estado_verificacion,

    -- numerics
    coalesce(provider_professions.experience_years, 0) as anos_experiencia,

    -- json
    coalesce(provider_professions.certifications, '[]') as certificaciones,

    -- booleans
    coalesce(provider_professions.is_primary, false) as es_principal,

    -- timestamps
    provider_professions.created_at as creado_at,

    -- evidence
    provider_professions.provider_id as raw__proveedor_id,
    provider_professions.profession_id as raw__profesion_id,
    provider_professions.verification_status as raw__estado_verificacion,
    provider_professions.experience_years as raw__anos_experiencia,
    provider_professions.raw_certifications as raw__certificaciones,
    provider_professions.is_primary as raw__es_principal,
    'provider_professions' as _source_table,
    provider_professions._source_key,
    provider_professions._source_row
from provider_professions
left join
    {{ merged_into('tinkubot', 'users', 'proveedores') }} as merged_provider
    on merged_provider.source_key = provider_professions.provider_id::text
left join
    {{ merged_into('tinkubot', 'professions', 'profesiones') }}
        as merged_profession
    on merged_profession.source_key = provider_professions.profession_id::text
{{ join_value_map(
    'tinkubot', 'estado_verificacion',
    'provider_professions.verification_status'
) }}
