with source as (

    select * from {{ legacy('tinkubot', 'professions') }}

),

renamed as (

    select
        -- ids
        id,

        -- text
        name,
        specialty,
        category,

        -- booleans
        is_active,

        -- timestamps
        {{ utc_timestamp('created_at') }} as created_at,
        {{ utc_timestamp('updated_at') }} as updated_at,

        -- evidence
        {{ source_key('tinkubot', 'professions') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
