with source as (

    select * from {{ legacy('fluxion', 'stock_actual') }}

),

renamed as (

    select
        -- ids
        {{ legacy_value('ubicacion_id', 'text') }} as ubicacion_id,
        {{ legacy_value('producto_id', 'text') }} as producto_id,

        -- numerics
        {{ legacy_value('cantidad', 'decimal(12,4)') }} as cantidad,
        {{ legacy_value('cantidad_reservada', 'decimal(12,4)') }}
            as cantidad_reservada,
        {{ legacy_value('cantidad_disponible', 'decimal(12,4)') }}
            as cantidad_disponible,
        {{ legacy_value('valor_inventario', 'decimal(18,2)') }}
            as valor_inventario,
        {{ legacy_value('costo_promedio', 'decimal(12,4)') }} as costo_promedio,
        {{ legacy_value('demanda_7_dias', 'decimal(12,4)') }} as demanda_7_dias,
        {{ legacy_value('demanda_30_dias', 'decimal(12,4)') }}
            as demanda_30_dias,
        {{ legacy_value('rotacion_anual', 'decimal(8,2)') }} as rotacion_anual,
        {{ legacy_value('dias_sin_movimiento', 'integer') }}
            as dias_sin_movimiento,

        -- booleans
        {{ legacy_value('requiere_reposicion', 'boolean') }}
            as requiere_reposicion,

        -- dates and times
        {{ legacy_value('ultima_entrada', 'timestamp') }} as ultima_entrada,
        {{ legacy_value('ultima_salida', 'timestamp') }} as ultima_salida,
        {{ legacy_value('ultima_venta', 'timestamp') }} as ultima_venta,
        {{ legacy_value('ultima_actualizacion', 'timestamp') }}
            as ultima_actualizacion,
        {{ legacy_value('fecha_proximo_vencimiento', 'date') }}
            as fecha_proximo_vencimiento,

        -- evidence
        {{ converted_values('fluxion', 'stock_actual', 'raw_') }}
        {{ source_key('fluxion', 'stock_actual') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
