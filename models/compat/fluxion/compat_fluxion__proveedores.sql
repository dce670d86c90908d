with proveedores as (

    select * from {{ ref('fluxion__proveedores') }}

)

select
    id::text as id,
    codigo::text as codigo,
    nombre::text as nombre,
    rif::text as rif,
    direccion,
    telefono::text as telefono,
    email::text as email,
    contacto_principal::text as contacto_principal,
    dias_credito,
    descuento_pronto_pago,
    monto_minimo_pedido,
    lead_time_promedio,
    dias_entrega::text as dias_entrega,
    horario_recepcion_pedidos,
    acepta_pedidos_urgentes,
    calificacion_calidad,
    calificacion_servicio,
    calificacion_precio,
    activo,
    created_at,
    updated_at
from proveedores
