with source as (

    select * from {{ legacy('fluxion', 'categorias_config') }}

),

renamed as (

    select
        -- ids
        {{ legacy_value('id', 'text') }} as id,

        -- text
        {{ legacy_value('categoria', 'text') }} as categoria,
        {{ legacy_value('subcategoria', 'text') }} as subcategoria,

        -- numerics
        {{ legacy_value('rotacion_objetivo', 'integer') }} as rotacion_objetivo,
        {{ legacy_value('dias_cobertura_min', 'integer') }}
            as dias_cobertura_min,
        {{ legacy_value('dias_cobertura_max', 'integer') }}
            as dias_cobertura_max,
        {{ legacy_value('factor_seguridad', 'decimal(4,2)') }}
            as factor_seguridad,
        {{ legacy_value('alerta_stock_bajo_porcentaje', 'decimal(5,2)') }}
            as alerta_stock_bajo_porcentaje,
        {{ legacy_value('alerta_vencimiento_dias', 'integer') }}
            as alerta_vencimiento_dias,
        {{ legacy_value('alerta_sin_movimiento_dias', 'integer') }}
            as alerta_sin_movimiento_dias,
        {{ legacy_value('frecuencia_revision_dias', 'integer') }}
            as frecuencia_revision_dias,
        {{ legacy_value('lote_minimo_pedido', 'integer') }}
            as lote_minimo_pedido,
        {{ legacy_value('multiple_pedido', 'integer') }} as multiple_pedido,
        {{ legacy_value('margen_minimo', 'decimal(5,2)') }} as margen_minimo,
        {{ legacy_value('margen_objetivo', 'decimal(5,2)') }}
            as margen_objetivo,
        {{ legacy_value('margen_maximo', 'decimal(5,2)') }} as margen_maximo,

        -- booleans
        {{ legacy_value('activo', 'boolean') }} as activo,

        -- dates and times
        {{ legacy_value('created_at', 'timestamp') }} as created_at,
        {{ legacy_value('updated_at', 'timestamp') }} as updated_at,

        -- evidence
        {{ converted_values('fluxion', 'categorias_config', 'raw_') }}
        {{ source_key('fluxion', 'categorias_config') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
