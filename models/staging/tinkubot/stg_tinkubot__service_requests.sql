with source as (

    select * from {{ legacy('tinkubot', 'service_requests') }}

),

renamed as (

    select
        -- ids
        id,

        -- text
        {{ phone_e164('phone') }} as phone,
        intent,
        profession,
        location_city,

        -- numerics
        location_lat,
        location_lng,

        -- json
        {{ as_json('suggested_providers') }} as suggested_providers,

        -- timestamps
        requested_at,
        resolved_at,

        -- evidence
        phone as raw_phone,
        {{ source_key('tinkubot', 'service_requests') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
