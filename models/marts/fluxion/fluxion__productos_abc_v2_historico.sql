with productos_abc_v2_historico as (

    select * from {{ ref('stg_fluxion__productos_abc_v2_historico') }}

)

select
    -- ids
    id,
    ubicacion_id,

    -- text
    codigo_producto,
    clasificacion_abc_valor,
    clasificacion_xyz,
    matriz_abc_xyz,

    -- numerics
    ranking_valor,
    valor_consumo_total,
    porcentaje_valor,
    porcentaje_acumulado,
    coeficiente_variacion,
    demanda_promedio_semanal,

    -- dates and times
    fecha_calculo,

    -- evidence
    {{ converted_values(
        'fluxion', 'productos_abc_v2_historico', 'raw__', 'raw_'
    ) }}
    'productos_abc_v2_historico' as _source_table,
    _source_key,
    _source_row
from productos_abc_v2_historico
