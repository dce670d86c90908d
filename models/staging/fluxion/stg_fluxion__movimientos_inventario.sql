with source as (

    select * from {{ legacy('fluxion', 'movimientos_inventario') }}

),

renamed as (

    select
        -- ids
        id,
        ubicacion_id,
        producto_id,

        -- text
        tipo_movimiento,
        subtipo_movimiento,
        origen,
        destino,
        referencia,
        usuario,
        observaciones,

        -- numerics
        {{ legacy_value('cantidad', 'decimal(12,4)') }} as cantidad,
        {{ legacy_value('stock_anterior', 'decimal(12,4)') }} as stock_anterior,
        {{ legacy_value('stock_nuevo', 'decimal(12,4)') }} as stock_nuevo,
        {{ legacy_value('costo_unitario', 'decimal(12,4)') }} as costo_unitario,
        {{ legacy_value('valor_total', 'decimal(18,2)') }} as valor_total,

        -- dates and times
        {{ legacy_value('fecha_hora', 'timestamp') }} as fecha_hora,
        {{ legacy_value('fecha', 'date') }} as fecha,

        -- evidence
        {{ converted_values('fluxion', 'movimientos_inventario', 'raw_') }}
        {{ source_key('fluxion', 'movimientos_inventario') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
