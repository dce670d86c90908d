-- Telephones and clients by one join a table.

insert into solicitudes_servicio (
    id, cliente_id, telefono, tipo_solicitud, profesion_solicitada, ciudad, latitud, longitud,
    proveedores_sugeridos, estado, solicitado_at, resuelto_at
)
select
    requests.id,
    clientes.id,
    requests.phone,
    'servicio',
    requests.profession,
    requests.location_city,
    requests.location_lat,
    requests.location_lng,
    requests.suggested_providers,
    case when requests.resolved_at is null then 'pendiente' else 'resuelta' end,
    requests.requested_at,
    requests.resolved_at
from service_requests as requests
left join clientes on requests.phone = clientes.telefono;

insert into sesiones (
    id, telefono, id_sesion, estado, codigo_qr, datos_sesion, expira_at, ultima_actividad,
    creado_at
)
select
    sessions.id,
    users.phone_number,
    sessions.session_id,
    case sessions.status
        when 'active' then 'activa' when 'inactive' then 'inactiva'
        when 'expired' then 'expirada' else 'error'
    end,
    sessions.qr_code,
    coalesce(sessions.session_data, '{}')::jsonb,
    sessions.expires_at,
    sessions.last_activity,
    sessions.created_at
from sessions
left join users on sessions.user_id = users.id;
