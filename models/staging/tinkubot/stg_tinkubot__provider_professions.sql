with source as (

    select * from {{ legacy('tinkubot', 'provider_professions') }}

),

renamed as (

    select
        -- ids
        provider_id,
        profession_id,

        -- text
        specialty,
        verification_status,

        -- numerics
        experience_years,

        -- json
        {{ jsonb_or_string('certifications') }} as certifications,

        -- booleans
        is_primary,

        -- timestamps
        {{ utc_timestamp('created_at') }} as created_at,

        -- evidence
        certifications as raw_certifications,
        {{ source_key('tinkubot', 'provider_professions') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
