with source as (

    select * from {{ legacy('tinkubot', 'sessions') }}

),

renamed as (

    select
        -- ids
        id,
        user_id,
        session_id,

        -- text
        status,
        qr_code,

        -- json
        {{ jsonb_or_string('session_data') }} as session_data,

        -- timestamps
        expires_at,
        last_activity,
        created_at,

        -- evidence
        session_data as raw_session_data,
        {{ source_key('tinkubot', 'sessions') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
