with {{ value_map_back('tinkubot', 'tipo_mensaje') }},

{{ value_map_back('tinkubot', 'estado_procesamiento') }}

select
    mensajes.id,
    mensajes.conversacion_id as conversation_id,
    {{ legado_value('mensajes.metadata', 'user_id') }}::uuid as user_id,
    -- who writes by the Spanish names knows nothing of `_legado`
    coalesce(
        {{ legado_value('mensajes.metadata', 'phone') }},
        case
            when
                {{ legado_value('mensajes.metadata', 'user_id') }} is null
                and left(coalesce(mensajes.metadata, '{}')::text, 1) = '{'
                then mensajes.telefono
        end
    )::varchar(20) as phone,
    tipo_mensaje.ingles::varchar(50) as message_type,
    mensajes.contenido as content,
    {{ legado_value('mensajes.metadata', 'is_bot') }}::boolean as is_bot,
    mensajes.url_media::text as media_url,
    mensajes.tipo_media::text as media_type,
    mensajes.respuesta_ia as ai_response,
    estado_procesamiento.ingles as processing_status,
    {{ without_legado('mensajes.metadata') }} as metadata,
    mensajes.creado_at as "timestamp"
from {{ ref('tinkubot__mensajes') }} as mensajes
{{ join_value_back('tipo_mensaje', 'mensajes.tipo_mensaje') }}
{{ join_value_back('estado_procesamiento', 'mensajes.estado_procesamiento') }}
