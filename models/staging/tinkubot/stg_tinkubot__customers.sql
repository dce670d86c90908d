with source as (

    select * from {{ legacy('tinkubot', 'customers') }}

),

renamed as (

    select
        -- ids
        id,

        -- text
        {{ phone_e164('phone_number') }} as phone_number,
        full_name,
        city,

        -- json
        {{ as_json('notes') }} as notes,

        -- booleans
        has_consent,

        -- timestamps
        {{ utc_timestamp('city_confirmed_at') }} as city_confirmed_at,
        {{ utc_timestamp('created_at') }} as created_at,
        {{ utc_timestamp('updated_at') }} as updated_at,

        -- evidence
        phone_number as raw_phone_number,
        {{ source_key('tinkubot', 'customers') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
