with source as (

    select * from {{ legacy('fluxion', 'items_facturas') }}

),

renamed as (

    select
        -- ids
        id,
        factura_id,
        producto_id,

        -- text
        numero_factura,
        codigo_producto,
        descripcion_producto,
        categoria_producto,
        marca_producto,
        modelo_producto,
        presentacion,

        -- numerics
        {{ legacy_value('cantidad', 'decimal(12,4)') }} as cantidad,
        {{ legacy_value('precio_unitario', 'decimal(12,4)') }}
            as precio_unitario,
        {{ legacy_value('precio_total', 'decimal(18,2)') }} as precio_total,
        {{ legacy_value('descuento', 'decimal(18,2)') }} as descuento,
        {{ legacy_value('costo_unitario', 'decimal(12,4)') }} as costo_unitario,
        {{ legacy_value('costo_total', 'decimal(18,2)') }} as costo_total,
        {{ legacy_value('margen', 'decimal(18,2)') }} as margen,

        -- dates and times
        {{ legacy_value('fecha_hora', 'timestamp') }} as fecha_hora,
        {{ legacy_value('fecha', 'date') }} as fecha,

        -- evidence
        {{ converted_values('fluxion', 'items_facturas', 'raw_') }}
        {{ source_key('fluxion', 'items_facturas') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
