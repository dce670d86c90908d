with source as (

    select * from {{ legacy('fluxion', 'facturas') }}

),

renamed as (

    select
        -- ids
        {{ legacy_value('id', 'text') }} as id,
        {{ legacy_value('ubicacion_id', 'text') }} as ubicacion_id,

        -- text
        {{ legacy_value('numero_factura', 'text') }} as numero_factura,
        {{ legacy_value('caja', 'text') }} as caja,
        {{ legacy_value('cajero', 'text') }} as cajero,
        {{ legacy_value('cliente_nombre', 'text') }} as cliente_nombre,
        {{ legacy_value('cliente_rif', 'text') }} as cliente_rif,
        {{ legacy_value('moneda_principal', 'text') }} as moneda_principal,
        {{ legacy_value('metodos_utilizados', 'text') }} as metodos_utilizados,

        -- numerics
        {{ legacy_value('hora', 'integer') }} as hora,
        {{ legacy_value('dia_semana', 'integer') }} as dia_semana,
        {{ legacy_value('turno', 'integer') }} as turno,
        {{ legacy_value('subtotal_bs', 'decimal(18,2)') }} as subtotal_bs,
        {{ legacy_value('descuento_bs', 'decimal(18,2)') }} as descuento_bs,
        {{ legacy_value('base_imponible_bs', 'decimal(18,2)') }}
            as base_imponible_bs,
        {{ legacy_value('impuesto_bs', 'decimal(18,2)') }} as impuesto_bs,
        {{ legacy_value('imp_igtf_bs', 'decimal(18,2)') }} as imp_igtf_bs,
        {{ legacy_value('total_bs', 'decimal(18,2)') }} as total_bs,
        {{ legacy_value('tasa_cambio', 'decimal(18,2)') }} as tasa_cambio,
        {{ legacy_value('total_usd', 'decimal(18,2)') }} as total_usd,
        {{ legacy_value('efectivo_bs', 'decimal(18,2)') }} as efectivo_bs,
        {{ legacy_value('efectivo_usd', 'decimal(18,2)') }} as efectivo_usd,
        {{ legacy_value('tarjeta_debito_bs', 'decimal(18,2)') }}
            as tarjeta_debito_bs,
        {{ legacy_value('tarjeta_credito_bs', 'decimal(18,2)') }}
            as tarjeta_credito_bs,
        {{ legacy_value('pago_movil_bs', 'decimal(18,2)') }} as pago_movil_bs,
        {{ legacy_value('transferencia_bs', 'decimal(18,2)') }}
            as transferencia_bs,
        {{ legacy_value('zelle_usd', 'decimal(18,2)') }} as zelle_usd,
        {{ legacy_value('otros_bs', 'decimal(18,2)') }} as otros_bs,
        {{ legacy_value('otros_usd', 'decimal(18,2)') }} as otros_usd,
        {{ legacy_value('cantidad_items', 'integer') }} as cantidad_items,
        {{ legacy_value('cantidad_metodos', 'integer') }} as cantidad_metodos,
        {{ legacy_value('ticket_promedio_usd', 'decimal(18,2)') }}
            as ticket_promedio_usd,

        -- booleans
        {{ legacy_value('es_pago_mixto', 'boolean') }} as es_pago_mixto,

        -- dates and times
        {{ legacy_value('fecha_hora', 'timestamp') }} as fecha_hora,
        {{ legacy_value('fecha', 'date') }} as fecha,

        -- evidence
        {{ converted_values('fluxion', 'facturas', 'raw_') }}
        {{ source_key('fluxion', 'facturas') }} as _source_key,
        {{ source_row('source') }} as _source_row
    from source

)

select * from renamed
