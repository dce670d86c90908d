with source as (

    select * from {{ legacy('tinkubot', 'users') }}

),

renamed as (

    select
        -- ids
        id,

        -- text
        {{ phone_e164('phone_number') }} as phone_number,
        name,
        user_type,
        email,
        business_name,
        business_description,
        address,
        city,
        country,
        status,

        -- numerics
        latitude,
        longitude,

        -- timestamps
        {{ utc_timestamp('created_at') }} as created_at,
        {{ utc_timestamp('updated_at') }} as updated_at,

        -- evidence
        phone_number as raw_phone_number,
        {{ source_key('tinkubot', 'users') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
