select
    id,
    telefono::text as phone_number,
    nombre_completo::text as full_name,
    ciudad::text as city,
    {{ zoned_timestamp('ciudad_confirmada_at') }} as city_confirmed_at,
    {{ legado_value('notas', 'has_consent') }}::boolean as has_consent,
    {{ without_legado('notas') }} as notes,
    {{ zoned_timestamp('creado_at') }} as created_at,
    {{ zoned_timestamp('actualizado_at') }} as updated_at
from {{ ref('tinkubot__clientes') }}
where {{ legado_value('notas', 'users') }} is null
