with source as (

    select * from {{ legacy('fluxion', 'proveedores') }}

),

renamed as (

    select
        -- ids
        {{ legacy_value('id', 'text') }} as id,

        -- text
        {{ legacy_value('codigo', 'text') }} as codigo,
        {{ legacy_value('nombre', 'text') }} as nombre,
        {{ legacy_value('rif', 'text') }} as rif,
        {{ legacy_value('direccion', 'text') }} as direccion,
        {{ legacy_value('telefono', 'text') }} as telefono,
        {{ legacy_value('email', 'text') }} as email,
        {{ legacy_value('contacto_principal', 'text') }} as contacto_principal,
        {{ legacy_value('dias_entrega', 'text') }} as dias_entrega,

        -- numerics
        {{ legacy_value('dias_credito', 'integer') }} as dias_credito,
        {{ legacy_value('descuento_pronto_pago', 'decimal(5,2)') }}
            as descuento_pronto_pago,
        {{ legacy_value('monto_minimo_pedido', 'decimal(12,2)') }}
            as monto_minimo_pedido,
        {{ legacy_value('lead_time_promedio', 'integer') }}
            as lead_time_promedio,
        {{ legacy_value('calificacion_calidad', 'integer') }}
            as calificacion_calidad,
        {{ legacy_value('calificacion_servicio', 'integer') }}
            as calificacion_servicio,
        {{ legacy_value('calificacion_precio', 'integer') }}
            as calificacion_precio,

        -- booleans
        {{ legacy_value('acepta_pedidos_urgentes', 'boolean') }}
            as acepta_pedidos_urgentes,
        {{ legacy_value('activo', 'boolean') }} as activo,

        -- dates and times
        {{ legacy_value('horario_recepcion_pedidos', 'time') }}
            as horario_recepcion_pedidos,
        {{ legacy_value('created_at', 'timestamp') }} as created_at,
        {{ legacy_value('updated_at', 'timestamp') }} as updated_at,

        -- evidence
        {{ converted_values('fluxion', 'proveedores', 'raw_') }}
        {{ source_key('fluxion', 'proveedores') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
