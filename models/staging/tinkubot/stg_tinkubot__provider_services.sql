with source as (

    select * from {{ legacy('tinkubot', 'provider_services') }}

),

renamed as (

    select
        -- ids
        id,
        provider_id,

        -- text
        title,
        description,
        category,
        price_type,

        -- numerics
        price,

        -- json
        {{ jsonb_or_string('availability') }} as availability,

        -- booleans
        is_active,

        -- timestamps
        {{ utc_timestamp('created_at') }} as created_at,
        {{ utc_timestamp('updated_at') }} as updated_at,

        -- evidence
        availability as raw_availability,
        {{ source_key('tinkubot', 'provider_services') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
