with ubicaciones as (

    select * from {{ ref('stg_fluxion__ubicaciones') }}

)

select
    -- ids
    id,

    -- text
    codigo,
    nombre,
    tipo,
    region,
    ciudad,
    direccion,
    dias_operacion,
    zona_horaria,

    -- numerics
    latitud,
    longitud,
    superficie_m2,
    capacidad_almacenamiento_m3,
    capacidad_maxima_productos,
    dias_reposicion_promedio,
    factor_seguridad,

    -- booleans
    activo,

    -- dates and times
    horario_apertura,
    horario_cierre,
    created_at,
    updated_at,

    -- evidence
    {{ converted_values('fluxion', 'ubicaciones', 'raw__', 'raw_') }}
    'ubicaciones' as _source_table,
    _source_key,
    _source_row
from ubicaciones
