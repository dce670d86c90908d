with source as (

    select * from {{ legacy('tinkubot', 'consents') }}

),

renamed as (

    select
        -- ids
        id,
        user_id,

        -- text
        user_type,
        response,

        -- json
        {{ decoded_json(as_json('message_log')) }} as message_log,

        -- timestamps
        created_at,

        -- evidence
        {{ as_json('message_log') }} as raw_message_log,
        {{ source_key('tinkubot', 'consents') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
