-- Telephones and clients as the source plan writes them: looked up for each row. A message without
-- a user keeps its own telephone, which the plan would have lost, and the column refused.

insert into solicitudes_servicio (
    id, cliente_id, telefono, tipo_solicitud, profesion_solicitada, ciudad, latitud, longitud,
    proveedores_sugeridos, estado, solicitado_at, resuelto_at
)
select
    id,
    (select clientes.id from clientes where clientes.telefono = phone limit 1),
    phone,
    'servicio',
    profession,
    location_city,
    location_lat,
    location_lng,
    suggested_providers,
    case when resolved_at is null then 'pendiente' else 'resuelta' end,
    requested_at,
    resolved_at
from service_requests
on conflict (id) do nothing;

insert into sesiones (
    id, telefono, id_sesion, estado, codigo_qr, datos_sesion, expira_at, ultima_actividad,
    creado_at
)
select
    id,
    (select users.phone_number from users where users.id = user_id limit 1),
    session_id,
    case status
        when 'active' then 'activa' when 'inactive' then 'inactiva'
        when 'expired' then 'expirada' else 'error'
    end,
    qr_code,
    coalesce(session_data, '{}')::jsonb,
    expires_at,
    last_activity,
    created_at
from sessions
on conflict (id) do nothing;

insert into mensajes (
    id, conversacion_id, telefono, tipo_mensaje, contenido, url_media, tipo_media, respuesta_ia,
    estado_procesamiento, metadata, creado_at
)
select
    id,
    conversation_id,
    coalesce(
        case
            when user_id is not null
                then (select users.phone_number from users where users.id = user_id limit 1)
        end,
        phone
    ),
    case message_type
        when 'image' then 'imagen' when 'audio' then 'audio' when 'video' then 'video'
        when 'document' then 'documento' when 'location' then 'ubicacion'
        when 'contact' then 'contacto' else 'texto'
    end,
    content,
    media_url,
    media_type,
    ai_response,
    case processing_status
        when 'pending' then 'pendiente' when 'processing' then 'procesando'
        when 'failed' then 'error' else 'completado'
    end,
    coalesce(metadata, '{}'),
    timestamp
from messages
on conflict (id) do nothing;
