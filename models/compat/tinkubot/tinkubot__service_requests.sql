with {{ value_map_back('tinkubot', 'tipo_solicitud') }}

select
    solicitudes_servicio.id,
    solicitudes_servicio.telefono as phone,
    tipo_solicitud.ingles::varchar(50) as intent,
    solicitudes_servicio.profesion_solicitada as profession,
    solicitudes_servicio.ciudad as location_city,
    {{ as_numeric('solicitudes_servicio.latitud') }} as location_lat,
    {{ as_numeric('solicitudes_servicio.longitud') }} as location_lng,
    solicitudes_servicio.solicitado_at as requested_at,
    solicitudes_servicio.resuelto_at as resolved_at,
    solicitudes_servicio.proveedores_sugeridos as suggested_providers
from {{ ref('tinkubot__solicitudes_servicio') }} as solicitudes_servicio
{{ join_value_back('tipo_solicitud', 'solicitudes_servicio.tipo_solicitud') }}
