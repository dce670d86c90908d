with productos_abc_v2_historico as (

    select * from {{ ref('fluxion__productos_abc_v2_historico') }}

)

select
    id::text as id,
    codigo_producto::text as codigo_producto,
    ubicacion_id::text as ubicacion_id,
    fecha_calculo,
    clasificacion_abc_valor::text as clasificacion_abc_valor,
    clasificacion_xyz::text as clasificacion_xyz,
    matriz_abc_xyz::text as matriz_abc_xyz,
    ranking_valor,
    valor_consumo_total,
    porcentaje_valor,
    porcentaje_acumulado,
    coeficiente_variacion,
    demanda_promedio_semanal
from productos_abc_v2_historico
