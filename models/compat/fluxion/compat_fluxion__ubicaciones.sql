with ubicaciones as (

    select * from {{ ref('fluxion__ubicaciones') }}

)

select
    id::text as id,
    codigo::text as codigo,
    nombre::text as nombre,
    tipo::text as tipo,
    region::text as region,
    ciudad::text as ciudad,
    direccion,
    latitud,
    longitud,
    superficie_m2,
    capacidad_almacenamiento_m3,
    capacidad_maxima_productos,
    horario_apertura,
    horario_cierre,
    dias_operacion::text as dias_operacion,
    zona_horaria::text as zona_horaria,
    dias_reposicion_promedio,
    factor_seguridad,
    activo,
    created_at,
    updated_at
from ubicaciones
