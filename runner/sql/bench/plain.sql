-- What needs no look into another table, as the source plan writes it; the values are in Spanish
-- because the CHECKs demand it. No name is qualified: the search_path says where they are.

insert into profesiones (
    id, nombre, especialidad, categoria, esta_activo, creado_at, actualizado_at
)
select id, name, specialty, category, is_active, created_at, updated_at
from professions
on conflict do nothing;

insert into clientes (
    id, telefono, nombre_completo, ciudad, ciudad_confirmada_at, notas, creado_at, actualizado_at
)
select
    id,
    phone_number,
    full_name,
    city,
    city_confirmed_at,
    coalesce(notes, '{}'),
    created_at,
    updated_at
from customers
on conflict do nothing;

insert into clientes (id, telefono, nombre_completo, ciudad, estado, creado_at, actualizado_at)
select
    id,
    phone_number,
    name,
    city,
    case status
        when 'active' then 'activo' when 'inactive' then 'inactivo'
        when 'suspended' then 'suspendido'
    end,
    created_at,
    updated_at
from users
where user_type = 'client'
on conflict do nothing;

insert into proveedores (
    id, telefono, nombre, email, nombre_empresa, descripcion_empresa, direccion, ciudad, pais,
    latitud, longitud, estado, rating, creado_at, actualizado_at
)
select
    id,
    phone_number,
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
where user_type = 'provider'
on conflict do nothing;

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
from provider_professions
on conflict do nothing;

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
from provider_services
on conflict do nothing;

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
from task_queue
on conflict do nothing;

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
from consents
on conflict do nothing;
