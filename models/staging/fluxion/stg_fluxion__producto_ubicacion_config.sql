with source as (

    select * from {{ legacy('fluxion', 'producto_ubicacion_config') }}

),

renamed as (

    select
        -- ids
        {{ legacy_value('id', 'text') }} as id,
        {{ legacy_value('ubicacion_id', 'text') }} as ubicacion_id,
        {{ legacy_value('producto_id', 'text') }} as producto_id,

        -- text
        {{ legacy_value('ubicacion_fisica', 'text') }} as ubicacion_fisica,
        {{ legacy_value('usuario_ultima_modificacion', 'text') }}
            as usuario_ultima_modificacion,
        {{ legacy_value('observaciones', 'text') }} as observaciones,

        -- numerics
        {{ legacy_value('stock_minimo', 'decimal(12,4)') }} as stock_minimo,
        {{ legacy_value('stock_maximo', 'decimal(12,4)') }} as stock_maximo,
        {{ legacy_value('punto_reorden', 'decimal(12,4)') }} as punto_reorden,
        {{ legacy_value('demanda_diaria_promedio', 'decimal(12,4)') }}
            as demanda_diaria_promedio,
        {{ legacy_value('demanda_diaria_maxima', 'decimal(12,4)') }}
            as demanda_diaria_maxima,
        {{ legacy_value('variabilidad_demanda', 'decimal(5,2)') }}
            as variabilidad_demanda,
        {{ legacy_value('lead_time_dias', 'integer') }} as lead_time_dias,
        {{ legacy_value('dias_cobertura_objetivo', 'integer') }}
            as dias_cobertura_objetivo,
        {{ legacy_value('dias_seguridad', 'integer') }} as dias_seguridad,
        {{ legacy_value('lote_minimo_compra', 'decimal(12,4)') }}
            as lote_minimo_compra,
        {{ legacy_value('lote_multiple', 'decimal(12,4)') }} as lote_multiple,
        {{ legacy_value('cantidad_maxima_pedido', 'decimal(12,4)') }}
            as cantidad_maxima_pedido,
        {{ legacy_value('precio_venta', 'decimal(12,4)') }} as precio_venta,
        {{ legacy_value('margen_actual', 'decimal(5,2)') }} as margen_actual,
        {{ legacy_value('precio_promocional', 'decimal(12,4)') }}
            as precio_promocional,
        {{ legacy_value('orden_exhibicion', 'integer') }} as orden_exhibicion,
        {{ legacy_value('espacio_exhibicion_m2', 'decimal(6,2)') }}
            as espacio_exhibicion_m2,

        -- booleans
        {{ legacy_value('generar_alerta_stock_bajo', 'boolean') }}
            as generar_alerta_stock_bajo,
        {{ legacy_value('generar_alerta_vencimiento', 'boolean') }}
            as generar_alerta_vencimiento,
        {{ legacy_value('generar_alerta_sobrestock', 'boolean') }}
            as generar_alerta_sobrestock,
        {{ legacy_value('permitir_venta', 'boolean') }} as permitir_venta,
        {{ legacy_value('permitir_transferencia', 'boolean') }}
            as permitir_transferencia,
        {{ legacy_value('es_producto_estrella', 'boolean') }}
            as es_producto_estrella,
        {{ legacy_value('activo', 'boolean') }} as activo,

        -- dates and times
        {{ legacy_value('fecha_precio_promo_inicio', 'date') }}
            as fecha_precio_promo_inicio,
        {{ legacy_value('fecha_precio_promo_fin', 'date') }}
            as fecha_precio_promo_fin,
        {{ legacy_value('fecha_ultima_revision', 'date') }}
            as fecha_ultima_revision,
        {{ legacy_value('created_at', 'timestamp') }} as created_at,
        {{ legacy_value('updated_at', 'timestamp') }} as updated_at,

        -- evidence
        {{ converted_values('fluxion', 'producto_ubicacion_config', 'raw_') }}
        {{ source_key('fluxion', 'producto_ubicacion_config') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
