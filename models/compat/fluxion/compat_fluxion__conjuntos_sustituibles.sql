with conjuntos_sustituibles as (

    select * from {{ ref('fluxion__conjuntos_sustituibles') }}

)

select
    id::text as id,
    nombre::text as nombre,
    descripcion::text as descripcion,
    categoria::text as categoria,
    tipo_conjunto::text as tipo_conjunto,
    activo,
    fecha_creacion,
    fecha_modificacion
from conjuntos_sustituibles
