with facturas as (

    select * from {{ ref('stg_fluxion__facturas') }}

)

select
    -- ids
    id,
    ubicacion_id,

    -- text
    numero_factura,
    caja,
    cajero,
    cliente_nombre,
    cliente_rif,
    moneda_principal,
    metodos_utilizados,

    -- numerics
    hora,
    dia_semana,
    turno,
    subtotal_bs,
    descuento_bs,
    base_imponible_bs,
    impuesto_bs,
    imp_igtf_bs,
    total_bs,
    tasa_cambio,
    total_usd,
    efectivo_bs,
    efectivo_usd,
    tarjeta_debito_bs,
    tarjeta_credito_bs,
    pago_movil_bs,
    transferencia_bs,
    zelle_usd,
    otros_bs,
    otros_usd,
    cantidad_items,
    cantidad_metodos,
    ticket_promedio_usd,

    -- booleans
    es_pago_mixto,

    -- dates and times
    fecha_hora,
    fecha,

    -- evidence
    {{ converted_values('fluxion', 'facturas', 'raw__', 'raw_') }}
    'facturas' as _source_table,
    _source_key,
    _source_row
from facturas
