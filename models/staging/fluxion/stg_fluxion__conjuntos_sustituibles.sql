with source as (

    select * from {{ legacy('fluxion', 'conjuntos_sustituibles') }}

),

renamed as (

    select
        -- ids
        {{ legacy_value('id', 'text') }} as id,

        -- text
        {{ legacy_value('nombre', 'text') }} as nombre,
        {{ legacy_value('descripcion', 'text') }} as descripcion,
        {{ legacy_value('categoria', 'text') }} as categoria,
        {{ legacy_value('tipo_conjunto', 'text') }} as tipo_conjunto,

        -- booleans
        {{ legacy_value('activo', 'boolean') }} as activo,

        -- dates and times
        {{ legacy_value('fecha_creacion', 'timestamp') }} as fecha_creacion,
        {{ legacy_value('fecha_modificacion', 'timestamp') }}
            as fecha_modificacion,

        -- evidence
        {{ converted_values('fluxion', 'conjuntos_sustituibles', 'raw_') }}
        {{ source_key('fluxion', 'conjuntos_sustituibles') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
