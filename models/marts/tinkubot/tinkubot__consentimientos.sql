with consents as (

    select * from {{ ref('stg_tinkubot__consents') }}

)

select
    -- ids
    consents.id,
    coalesce(merged_client.target_key::uuid, consents.user_id) as usuario_id,

    -- text
    {{ mapped('tipo_usuario_consentimiento', 'consents.user_type') }}
        as tipo_usuario,
    {{ mapped('respuesta_consentimiento', 'consents.response') }} as respuesta,

    -- json
    consents.message_log as registro_mensaje,

    -- timestamps
    consents.created_at as creado_at,

    -- evidence
    consents.user_id as raw__usuario_id,
    consents.user_type as raw__tipo_usuario,
    consents.response as raw__respuesta,
    consents.raw_message_log as raw__registro_mensaje,
    'consents' as _source_table,
    consents._source_key,
    consents._source_row
from consents
left join
    {{ merged_into('tinkubot', 'customers', 'clientes') }} as merged_client
    on merged_client.source_key = consents.user_id::text
{{ join_value_map(
    'tinkubot', 'tipo_usuario_consentimiento', 'consents.user_type'
) }}
{{ join_value_map(
    'tinkubot', 'respuesta_consentimiento', 'consents.response'
) }}
