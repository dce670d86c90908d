-- What Traspaso makes of clean rows, by hand: the same values, telephones and `_legado` included,
-- nothing judged and nothing written down. Lookups are one join a table. No name is qualified: the
-- search_path says where they are.

insert into profesiones (
    id, nombre, especialidad, categoria, esta_activo, creado_at, actualizado_at
)
select id, name, specialty, category, is_active, created_at, updated_at
from professions;

insert into clientes (
    id, telefono, nombre_completo, ciudad, ciudad_confirmada_at, notas, creado_at, actualizado_at
)
select
    id,
    case
        when phone_number ~ '^([+]?593|0)?9[0-9]{8}$'
            then '+593' || right(phone_number, 9)
        when phone_number ~ '^([+]?593|0)?[2-7][0-9]{7}$'
            then '+593' || right(phone_number, 8)
    end,
    full_name,
    city,
    city_confirmed_at,
    case
        when has_consent is null then coalesce(notes, '{}')
        else
            coalesce(notes, '{}')
            || jsonb_build_object('_legado', jsonb_build_object('has_consent', has_consent))
    end,
    created_at,
    updated_at
from customers;

insert into clientes (id, telefono, nombre_completo, ciudad, estado, notas, creado_at, actualizado_at)
select
    id,
    case
        when phone_number ~ '^([+]?593|0)?9[0-9]{8}$'
            then '+593' || right(phone_number, 9)
        when phone_number ~ '^([+]?593|0)?[2-7][0-9]{7}$'
            then '+593' || right(phone_number, 8)
    end,
    name,
    city,
    case status
        when 'active' then 'activo' when 'inactive' then 'inactivo'
        when 'suspended' then 'suspendido'
    end,
    jsonb_build_object('_legado', jsonb_build_object('users', jsonb_strip_nulls(
        jsonb_build_object(
            'user_type', user_type, 'email', email, 'business_name', business_name,
            'business_description', business_description, 'address', address,
            'country', country, 'latitude', latitude, 'longitude', longitude
        )
    ))),
    created_at,
    updated_at
from users
where user_type = 'client';

insert into proveedores (
    id, telefono, nombre, email, nombre_empresa, descripcion_empresa, direccion, ciudad, pais,
    latitud, longitud, estado, rating, creado_at, actualizado_at
)
select
    id,
    case
        when phone_number ~ '^([+]?593|0)?9[0-9]{8}$'
            then '+593' || right(phone_number, 9)
        when phone_number ~ '^([+]?593|0)?[2-7][0-9]{7}$'
            then '+593' || right(phone_number, 8)
    end,
    name,
    email,
    business_name,
    business_description,
    address,
    city,
    country,
    latitude,
    longitude,
    case status
        when 'active' then 'activo' when 'inactive' then 'inactivo'
        when 'suspended' then 'suspendido' when 'pending' then 'verificacion_pendiente'
    end,
    5.0,
    created_at,
    updated_at
from users
where user_type = 'provider';

insert into proveedor_profesiones (
    proveedor_id, profesion_id, especialidad, anos_experiencia, certificaciones, es_principal,
    estado_verificacion, creado_at
)
select
    provider_id,
    profession_id,
    specialty,
    coalesce(experience_years, 0),
    coalesce(certifications, '[]')::jsonb,
    coalesce(is_primary, false),
    case verification_status
        when 'verified' then 'verificada' when 'rejected' then 'rechazada' else 'pendiente'
    end,
    created_at
from provider_professions;

insert into servicios_proveedor (
    id, proveedor_id, titulo, descripcion, categoria, precio, tipo_precio, disponibilidad,
    esta_activo, creado_at, actualizado_at
)
select
    id,
    provider_id,
    title,
    description,
    category,
    price,
    case price_type
        when 'fixed' then 'fijo' when 'range' then 'rango'
        when 'negotiable' then 'a_convenir' when 'hourly' then 'hora'
    end,
    availability::jsonb,
    is_active,
    created_at,
    updated_at
from provider_services;

insert into tareas_programadas (
    id, tipo_tarea, payload, estado, prioridad, programada_at, iniciada_at, completada_at,
    mensaje_error, intentos, max_intentos, creado_at
)
select
    id,
    case task_type
        when 'send_whatsapp' then 'enviar_whatsapp' when 'reminder' then 'recordatorio'
        when 'follow_up' then 'seguimiento' when 'feedback' then 'feedback'
        when 'notification' then 'notificacion'
    end,
    payload,
    case status
        when 'pending' then 'pendiente' when 'in_progress' then 'en_progreso'
        when 'completed' then 'completada' when 'failed' then 'fallida'
        when 'cancelled' then 'cancelada'
    end,
    priority,
    scheduled_at,
    started_at,
    completed_at,
    error_message,
    retry_count,
    max_retries,
    created_at
from task_queue;

insert into consentimientos (
    id, usuario_id, tipo_usuario, respuesta, registro_mensaje, creado_at
)
select
    id,
    user_id,
    'cliente',
    case response when 'accepted' then 'aceptado' when 'declined' then 'rechazado' end,
    message_log,
    created_at
from consents;

insert into solicitudes_servicio (
    id, cliente_id, telefono, tipo_solicitud, profesion_solicitada, ciudad, latitud, longitud,
    proveedores_sugeridos, estado, solicitado_at, resuelto_at
)
select
    requests.id,
    clientes.id,
    case
        when requests.phone ~ '^([+]?593|0)?9[0-9]{8}$'
            then '+593' || right(requests.phone, 9)
        when requests.phone ~ '^([+]?593|0)?[2-7][0-9]{7}$'
            then '+593' || right(requests.phone, 8)
    end,
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
left join clientes on clientes.telefono = case
            when requests.phone ~ '^([+]?593|0)?9[0-9]{8}$'
                then '+593' || right(requests.phone, 9)
            when requests.phone ~ '^([+]?593|0)?[2-7][0-9]{7}$'
                then '+593' || right(requests.phone, 8)
        end;

insert into sesiones (
    id, telefono, id_sesion, estado, codigo_qr, datos_sesion, expira_at, ultima_actividad,
    creado_at
)
select
    sessions.id,
    case
        when users.phone_number ~ '^([+]?593|0)?9[0-9]{8}$'
            then '+593' || right(users.phone_number, 9)
        when users.phone_number ~ '^([+]?593|0)?[2-7][0-9]{7}$'
            then '+593' || right(users.phone_number, 8)
    end,
    sessions.session_id,
    case sessions.status
        when 'active' then 'activa' when 'inactive' then 'inactiva'
        when 'expired' then 'expirada' else 'error'
    end,
    sessions.qr_code,
    case
        when sessions.user_id is null then coalesce(sessions.session_data, '{}')::jsonb
        else
            coalesce(sessions.session_data, '{}')::jsonb
            || jsonb_build_object('_legado', jsonb_build_object('user_id', sessions.user_id))
    end,
    sessions.expires_at,
    sessions.last_activity,
    sessions.created_at
from sessions
left join users on sessions.user_id = users.id;
