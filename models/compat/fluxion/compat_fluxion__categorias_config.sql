with categorias_config as (

    select * from {{ ref('fluxion__categorias_config') }}

)

select
    id::text as id,
    categoria::text as categoria,
    subcategoria::text as subcategoria,
    rotacion_objetivo,
    dias_cobertura_min,
    dias_cobertura_max,
    factor_seguridad,
    alerta_stock_bajo_porcentaje,
    alerta_vencimiento_dias,
    alerta_sin_movimiento_dias,
    frecuencia_revision_dias,
    lote_minimo_pedido,
    multiple_pedido,
    margen_minimo,
    margen_objetivo,
    margen_maximo,
    activo,
    created_at,
    updated_at
from categorias_config
