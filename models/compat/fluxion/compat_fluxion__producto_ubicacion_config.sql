with producto_ubicacion_config as (

    select * from {{ ref('fluxion__producto_ubicacion_config') }}

)

select
    id::text as id,
    ubicacion_id::text as ubicacion_id,
    producto_id::text as producto_id,
    stock_minimo,
    stock_maximo,
    punto_reorden,
    demanda_diaria_promedio,
    demanda_diaria_maxima,
    variabilidad_demanda,
    lead_time_dias,
    dias_cobertura_objetivo,
    dias_seguridad,
    lote_minimo_compra,
    lote_multiple,
    cantidad_maxima_pedido,
    precio_venta,
    margen_actual,
    precio_promocional,
    fecha_precio_promo_inicio,
    fecha_precio_promo_fin,
    generar_alerta_stock_bajo,
    generar_alerta_vencimiento,
    generar_alerta_sobrestock,
    permitir_venta,
    permitir_transferencia,
    es_producto_estrella,
    ubicacion_fisica::text as ubicacion_fisica,
    orden_exhibicion,
    espacio_exhibicion_m2,
    activo,
    fecha_ultima_revision,
    usuario_ultima_modificacion::text as usuario_ultima_modificacion,
    observaciones,
    created_at,
    updated_at
from producto_ubicacion_config
