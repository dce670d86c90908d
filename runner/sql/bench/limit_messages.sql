-- The largest table, by one join, in a session of its own: see limit.sql.

insert into mensajes (
    id, conversacion_id, telefono, tipo_mensaje, contenido, url_media, tipo_media, respuesta_ia,
    estado_procesamiento, metadata, creado_at
)
select
    messages.id,
    messages.conversation_id,
    coalesce(
        users.phone_number,
        case
            when messages.phone ~ '^([+]?593|0)?9[0-9]{8}$'
                then '+593' || right(messages.phone, 9)
            when messages.phone ~ '^([+]?593|0)?[2-7][0-9]{7}$'
                then '+593' || right(messages.phone, 8)
        end
    ),
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
    coalesce(messages.metadata, '{}') || jsonb_build_object('_legado', jsonb_strip_nulls(
        jsonb_build_object(
            'user_id', messages.user_id, 'phone', messages.phone, 'is_bot', messages.is_bot
        )
    )),
    messages.timestamp
from messages
left join (
    select
        id,
        case
            when phone_number ~ '^([+]?593|0)?9[0-9]{8}$'
                then '+593' || right(phone_number, 9)
            when phone_number ~ '^([+]?593|0)?[2-7][0-9]{7}$'
                then '+593' || right(phone_number, 8)
        end as phone_number
    from users
) as users on messages.user_id = users.id;
