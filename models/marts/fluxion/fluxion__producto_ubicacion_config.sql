with producto_ubicacion_config as (

    select * from {{ ref('stg_fluxion__producto_ubicacion_config') }}

)

select
    -- ids
    id,
    ubicacion_id,
    producto_id,

    -- text
    ubicacion_fisica,
    usuario_ultima_modificacion,
    observaciones,

    -- numerics
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
    orden_exhibicion,
    espacio_exhibicion_m2,

    -- booleans
    generar_alerta_stock_bajo,
    generar_alerta_vencimiento,
    generar_alerta_sobrestock,
    permitir_venta,
    permitir_transferencia,
    es_producto_estrella,
    activo,

    -- dates and times
    fecha_precio_promo_inicio,
    fecha_precio_promo_fin,
    fecha_ultima_revision,
    created_at,
    updated_at,

    -- evidence
    {{ converted_values(
        'fluxion', 'producto_ubicacion_config', 'raw__', 'raw_'
    ) }}
    'producto_ubicacion_config' as _source_table,
    _source_key,
    _source_row
from producto_ubicacion_config
