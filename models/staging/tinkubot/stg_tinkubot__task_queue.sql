with source as (

    select * from {{ legacy('tinkubot', 'task_queue') }}

),

renamed as (

    select
        -- ids
        id,

        -- text
        task_type,
        status,
        error_message,

        -- numerics
        priority,
        retry_count,
        max_retries,

        -- json
        {{ as_json('payload') }} as payload,

        -- timestamps
        scheduled_at,
        started_at,
        completed_at,
        created_at,

        -- evidence
        {{ source_key('tinkubot', 'task_queue') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
