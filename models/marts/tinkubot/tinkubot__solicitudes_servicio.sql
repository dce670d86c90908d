with service_requests as (

    select * from {{ ref('stg_tinkubot__service_requests') }}

),

clientes as (

    select * from {{ ref('tinkubot__clientes') }}

)

select
    -- ids
    service_requests.id,
    clientes.id as cliente_id,

    -- text
    service_requests.phone as telefono,
    coalesce(
        {{ mapped('tipo_solicitud', 'service_requests.intent') }}, 'servicio'
    ) as tipo_solicitud,
    service_requests.profession as profesion_solicitada,
    service_requests.location_city as ciudad,
    case
        when service_requests.resolved_at is null then 'pendiente'
        else 'resuelta'
    end as estado,

    -- numerics
    service_requests.location_lat as latitud,
    service_requests.location_lng as longitud,

    -- json
    service_requests.suggested_providers as proveedores_sugeridos,

    -- timestamps
    service_requests.requested_at as solicitado_at,
    service_requests.resolved_at as resuelto_at,

    -- evidence
    service_requests.raw_phone as raw__telefono,
    service_requests.intent as raw__tipo_solicitud,
    'service_requests' as _source_table,
    service_requests._source_key,
    service_requests._source_row
from service_requests
left join clientes on service_requests.phone = clientes.telefono
{{ join_value_map('tinkubot', 'tipo_solicitud', 'service_requests.intent') }}
