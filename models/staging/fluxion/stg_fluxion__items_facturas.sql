with source as (

    select * from {{ legacy('fluxion', 'items_facturas') }}

),

renamed as (

    select
        -- ids
        {{ legacy_value('id', 'text') }} as id,
        {{ legacy_value('factura_id', 'text') }} as factura_id,
        {{ legacy_value('producto_id', 'text') }} as producto_id,

        -- text
        {{ legacy_value('numero_factura', 'text') }} as numero_factura,
        {{ legacy_value('codigo_producto', 'text') }} as codigo_producto,
        {{ legacy_value('descripcion_producto', 'text') }}
            as descripcion_producto,
        {{ legacy_value('categoria_producto', 'text') }} as categoria_producto,
        {{ legacy_value('marca_producto', 'text') }} as marca_producto,
        {{ legacy_value('modelo_producto', 'text') }} as modelo_producto,
        {{ legacy_value('presentacion', 'text') }} as presentacion,

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
