with {{ value_map_back('tinkubot', 'estado_verificacion') }}

select
    proveedor_profesiones.proveedor_id as provider_id,
    proveedor_profesiones.profesion_id as profession_id,
    proveedor_profesiones.especialidad::text as specialty,
    proveedor_profesiones.anos_experiencia as experience_years,
    {{ json_to_text('proveedor_profesiones.certificaciones') }}
        as certifications,
    proveedor_profesiones.es_principal as is_primary,
    estado_verificacion.ingles as verification_status,
    {{ zoned_timestamp('proveedor_profesiones.creado_at') }} as created_at
from {{ ref('tinkubot__proveedor_profesiones') }} as proveedor_profesiones
{{ join_value_back(
    'estado_verificacion', 'proveedor_profesiones.estado_verificacion'
) }}
