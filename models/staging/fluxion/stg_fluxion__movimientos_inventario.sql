with source as (

    select * from {{ legacy('fluxion', 'movimientos_inventario') }}

),

renamed as (

    select
        -- ids
        {{ legacy_value('id', 'text') }} as id,
        {{ legacy_value('ubicacion_id', 'text') }} as ubicacion_id,
        {{ legacy_value('producto_id', 'text') }} as producto_id,

        -- text
        {{ legacy_value('tipo_movimiento', 'text') }} as tipo_movimiento,
        {{ legacy_value('subtipo_movimiento', 'text') }} as subtipo_movimiento,
        {{ legacy_value('origen', 'text') }} as origen,
        {{ legacy_value('destino', 'text') }} as destino,
        {{ legacy_value('referencia', 'text') }} as referencia,
        {{ legacy_value('usuario', 'text') }} as usuario,
        {{ legacy_value('observaciones', 'text') }} as observaciones,

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
