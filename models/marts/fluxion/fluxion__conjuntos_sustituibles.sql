with conjuntos_sustituibles as (

    select * from {{ ref('stg_fluxion__conjuntos_sustituibles') }}

)

select
    -- ids
    id,

    -- text
    nombre,
    descripcion,
    categoria,
    tipo_conjunto,

    -- booleans
    activo,

    -- dates and times
    fecha_creacion,
    fecha_modificacion,

    -- evidence
    {{ converted_values('fluxion', 'conjuntos_sustituibles', 'raw__', 'raw_') }}
    'conjuntos_sustituibles' as _source_table,
    _source_key,
    _source_row
from conjuntos_sustituibles
