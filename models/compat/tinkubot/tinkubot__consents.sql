with {{ value_map_back('tinkubot', 'tipo_usuario_consentimiento') }},

{{ value_map_back('tinkubot', 'respuesta_consentimiento') }}

select
    consentimientos.id,
    consentimientos.usuario_id as user_id,
    tipo_usuario_consentimiento.ingles::varchar(20) as user_type,
    respuesta_consentimiento.ingles::varchar(20) as response,
    consentimientos.registro_mensaje as message_log,
    consentimientos.creado_at as created_at
from {{ ref('tinkubot__consentimientos') }} as consentimientos
{{ join_value_back(
    'tipo_usuario_consentimiento', 'consentimientos.tipo_usuario'
) }}
{{ join_value_back('respuesta_consentimiento', 'consentimientos.respuesta') }}
