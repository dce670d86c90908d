with source as (

    select * from {{ legacy('fluxion', 'ubicaciones') }}

),

renamed as (

    select
        -- ids
        {{ legacy_value('id', 'text') }} as id,

        -- text
        {{ legacy_value('codigo', 'text') }} as codigo,
        {{ legacy_value('nombre', 'text') }} as nombre,
        {{ legacy_value('tipo', 'text') }} as tipo,
        {{ legacy_value('region', 'text') }} as region,
        {{ legacy_value('ciudad', 'text') }} as ciudad,
        {{ legacy_value('direccion', 'text') }} as direccion,
        {{ legacy_value('dias_operacion', 'text') }} as dias_operacion,
        {{ legacy_value('zona_horaria', 'text') }} as zona_horaria,

        -- numerics
        {{ legacy_value('latitud', 'decimal(10,6)') }} as latitud,
        {{ legacy_value('longitud', 'decimal(10,6)') }} as longitud,
        {{ legacy_value('superficie_m2', 'decimal(10,2)') }} as superficie_m2,
        {{ legacy_value('capacidad_almacenamiento_m3', 'decimal(10,2)') }}
            as capacidad_almacenamiento_m3,
        {{ legacy_value('capacidad_maxima_productos', 'integer') }}
            as capacidad_maxima_productos,
        {{ legacy_value('dias_reposicion_promedio', 'integer') }}
            as dias_reposicion_promedio,
        {{ legacy_value('factor_seguridad', 'decimal(4,2)') }}
            as factor_seguridad,

        -- booleans
        {{ legacy_value('activo', 'boolean') }} as activo,

        -- dates and times
        {{ legacy_value('horario_apertura', 'time') }} as horario_apertura,
        {{ legacy_value('horario_cierre', 'time') }} as horario_cierre,
        {{ legacy_value('created_at', 'timestamp') }} as created_at,
        {{ legacy_value('updated_at', 'timestamp') }} as updated_at,

        -- evidence
        {{ converted_values('fluxion', 'ubicaciones', 'raw_') }}
        {{ source_key('fluxion', 'ubicaciones') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
