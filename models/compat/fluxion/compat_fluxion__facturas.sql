with facturas as (

    select * from {{ ref('fluxion__facturas') }}

)

select
    id::text as id,
    numero_factura::text as numero_factura,
    ubicacion_id::text as ubicacion_id,
    caja::text as caja,
    cajero::text as cajero,
    fecha_hora,
    fecha,
    hora,
    dia_semana,
    turno,
    cliente_nombre::text as cliente_nombre,
    cliente_rif::text as cliente_rif,
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
    moneda_principal::text as moneda_principal,
    es_pago_mixto,
    metodos_utilizados::text as metodos_utilizados,
    ticket_promedio_usd
from facturas
