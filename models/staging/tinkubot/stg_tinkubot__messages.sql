with source as (

    select * from {{ legacy('tinkubot', 'messages') }}

),

renamed as (

    select
        -- ids
        id,
        conversation_id,
        user_id,

        -- text
        {{ phone_e164('phone') }} as phone,
        message_type,
        content,
        media_url,
        media_type,
        ai_response,
        processing_status,

        -- json
        {{ as_json('metadata') }} as metadata,

        -- booleans
        is_bot,

        -- timestamps
        "timestamp",

        -- evidence
        phone as raw_phone,
        {{ source_key('tinkubot', 'messages') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
