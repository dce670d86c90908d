with {{ value_map_back('tinkubot', 'estado_sesion') }}

select
    sesiones.id,
    {{ legado_value('sesiones.datos_sesion', 'user_id') }}::uuid as user_id,
    sesiones.id_sesion::text as session_id,
    estado_sesion.ingles as status,
    sesiones.codigo_qr as qr_code,
    {{ json_to_text(without_legado('sesiones.datos_sesion')) }} as session_data,
    sesiones.expira_at as expires_at,
    sesiones.ultima_actividad as last_activity,
    sesiones.creado_at as created_at
from {{ ref('tinkubot__sesiones') }} as sesiones
{{ join_value_back('estado_sesion', 'sesiones.estado') }}
