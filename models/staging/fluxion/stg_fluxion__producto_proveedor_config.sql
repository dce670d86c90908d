with source as (

    select * from {{ legacy('fluxion', 'producto_proveedor_config') }}

),

renamed as (

    select
        -- ids
        {{ legacy_value('id', 'text') }} as id,
        {{ legacy_value('producto_id', 'text') }} as producto_id,
        {{ legacy_value('proveedor_id', 'text') }} as proveedor_id,

        -- text
        {{ legacy_value('codigo_proveedor', 'text') }} as codigo_proveedor,
        {{ legacy_value('descripcion_proveedor', 'text') }}
            as descripcion_proveedor,
        {{ legacy_value('moneda', 'text') }} as moneda,

        -- numerics
        {{ legacy_value('precio_compra', 'decimal(12,4)') }} as precio_compra,
        {{ legacy_value('precio_anterior', 'decimal(12,4)') }}
            as precio_anterior,
        {{ legacy_value('cantidad_minima', 'decimal(12,4)') }}
            as cantidad_minima,
        {{ legacy_value('multiple_compra', 'decimal(12,4)') }}
            as multiple_compra,
        {{ legacy_value('lead_time_dias', 'integer') }} as lead_time_dias,
        {{ legacy_value('orden_preferencia', 'integer') }} as orden_preferencia,

        -- booleans
        {{ legacy_value('es_proveedor_principal', 'boolean') }}
            as es_proveedor_principal,
        {{ legacy_value('activo', 'boolean') }} as activo,

        -- dates and times
        {{ legacy_value('fecha_ultimo_precio', 'date') }}
            as fecha_ultimo_precio,
        {{ legacy_value('created_at', 'timestamp') }} as created_at,
        {{ legacy_value('updated_at', 'timestamp') }} as updated_at,

        -- evidence
        {{ converted_values('fluxion', 'producto_proveedor_config', 'raw_') }}
        {{ source_key('fluxion', 'producto_proveedor_config') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
