{%- set kept = {
    'user_id': 'messages.user_id',
    'phone': 'messages.raw_phone',
    'is_bot': 'messages.is_bot',
} -%}
with messages as (

    select * from {{ ref('stg_tinkubot__messages') }}

),

users as (

    select * from {{ ref('stg_tinkubot__users') }}

)

select
    -- ids
    messages.id,
    messages.conversation_id as conversacion_id,

    -- text
    coalesce(users.phone_number, messages.phone) as telefono,
    coalesce(
        {{ mapped('tipo_mensaje', 'messages.message_type') }}, 'texto'
    ) as tipo_mensaje,
    messages.content as contenido,
    messages.media_url as url_media,
    messages.media_type as tipo_media,
    messages.ai_response as respuesta_ia,
    coalesce(
        {{ mapped('estado_procesamiento', 'messages.processing_status') }},
        'completado'
    ) as estado_procesamiento,

    -- json
    {{ with_legado("coalesce(messages.metadata, '{}')", kept) }} as metadata,

    -- timestamps
    messages."timestamp" as creado_at,

    -- evidence
    coalesce(users.raw_phone_number, messages.raw_phone) as raw__telefono,
    messages.message_type as raw__tipo_mensaje,
    messages.processing_status as raw__estado_procesamiento,
    messages.metadata as raw__metadata,
    {{ legado_unplaced("coalesce(messages.metadata, '{}')", kept) }}
        as _unplaced,
    'messages' as _source_table,
    messages._source_key,
    messages._source_row
from messages
left join users on messages.user_id = users.id
{{ join_value_map('tinkubot', 'tipo_mensaje', 'messages.message_type') }}
{{ join_value_map(
    'tinkubot', 'estado_procesamiento', 'messages.processing_status'
) }}
