{%- set kept = {'user_id': 'sessions.user_id'} -%}
with sessions as (

    select * from {{ ref('stg_tinkubot__sessions') }}

),

users as (

    select * from {{ ref('stg_tinkubot__users') }}

)

select
    -- ids
    sessions.id,
    sessions.session_id as id_sesion,

    -- text
    users.phone_number as telefono,
    {{ mapped('estado_sesion', 'sessions.status') }} as estado,
    sessions.qr_code as codigo_qr,

    -- json
    {{ with_legado("coalesce(sessions.session_data, '{}')", kept) }}
        as datos_sesion,

    -- timestamps
    sessions.expires_at as expira_at,
    sessions.last_activity as ultima_actividad,
    sessions.created_at as creado_at,

    -- evidence
    users.raw_phone_number as raw__telefono,
    sessions.status as raw__estado,
    sessions.raw_session_data as raw__datos_sesion,
    {{ legado_unplaced("coalesce(sessions.session_data, '{}')", kept) }}
        as _unplaced,
    'sessions' as _source_table,
    sessions._source_key,
    sessions._source_row
from sessions
left join users on sessions.user_id = users.id
{{ join_value_map('tinkubot', 'estado_sesion', 'sessions.status') }}
