with proveedores as (

    select * from {{ ref('stg_fluxion__proveedores') }}

)

select
    -- ids
    id,

    -- text
    codigo,
    nombre,
    rif,
    direccion,
    telefono,
    email,
    contacto_principal,
    dias_entrega,

    -- numerics
    dias_credito,
    descuento_pronto_pago,
    monto_minimo_pedido,
    lead_time_promedio,
    calificacion_calidad,
    calificacion_servicio,
    calificacion_precio,

    -- booleans
    acepta_pedidos_urgentes,
    activo,

    -- dates and times
    horario_recepcion_pedidos,
    created_at,
    updated_at,

    -- evidence
    {{ converted_values('fluxion', 'proveedores', 'raw__', 'raw_') }}
    'proveedores' as _source_table,
    _source_key,
    _source_row
from proveedores
