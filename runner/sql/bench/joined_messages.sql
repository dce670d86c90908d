-- The largest table, by one join.

insert into mensajes (
    id, conversacion_id, telefono, tipo_mensaje, contenido, url_media, tipo_media, respuesta_ia,
    estado_procesamiento, metadata, creado_at
)
select
    messages.id,
    messages.conversation_id,
    coalesce(users.phone_number, messages.phone),
    case messages.message_type
        when 'image' then 'imagen' when 'audio' then 'audio' when 'video' then 'video'
        when 'document' then 'documento' when 'location' then 'ubicacion'
        when 'contact' then 'contacto' else 'texto'
    end,
    messages.content,
    messages.media_url,
    messages.media_type,
    messages.ai_response,
    case messages.processing_status
        when 'pending' then 'pendiente' when 'processing' then 'procesando'
        when 'failed' then 'error' else 'completado'
    end,
    coalesce(messages.metadata, '{}'),
    messages.timestamp
from messages
left join users on messages.user_id = users.id;
