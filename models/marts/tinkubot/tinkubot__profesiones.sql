with professions as (

    select * from {{ ref('stg_tinkubot__professions') }}

)

select
    -- ids
    id,

    -- text
    name as nombre,
    specialty as especialidad,
    category as categoria,

    -- booleans
    is_active as esta_activo,

    -- timestamps
    created_at as creado_at,
    updated_at as actualizado_at,

    -- evidence
    'professions' as _source_table,
    _source_key,
    _source_row
from professions
