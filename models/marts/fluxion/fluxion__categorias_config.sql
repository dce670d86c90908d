with categorias_config as (

    select * from {{ ref('stg_fluxion__categorias_config') }}

)

select
    -- ids
    id,

    -- text
    categoria,
    subcategoria,

    -- numerics
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

    -- booleans
    activo,

    -- dates and times
    created_at,
    updated_at,

    -- evidence
    {{ converted_values('fluxion', 'categorias_config', 'raw__', 'raw_') }}
    'categorias_config' as _source_table,
    _source_key,
    _source_row
from categorias_config
