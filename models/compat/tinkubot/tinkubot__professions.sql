select
    id,
    nombre::text as name,
    especialidad::text as specialty,
    categoria::text as category,
    esta_activo as is_active,
    {{ zoned_timestamp('creado_at') }} as created_at,
    {{ zoned_timestamp('actualizado_at') }} as updated_at
from {{ ref('tinkubot__profesiones') }}
