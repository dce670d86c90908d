with {{ value_map_back('tinkubot', 'tipo_precio') }}

select
    servicios_proveedor.id,
    servicios_proveedor.proveedor_id as provider_id,
    servicios_proveedor.titulo::text as title,
    servicios_proveedor.descripcion as description,
    servicios_proveedor.categoria::text as category,
    {{ as_numeric('servicios_proveedor.precio') }} as price,
    tipo_precio.ingles as price_type,
    {{ json_to_text('servicios_proveedor.disponibilidad') }} as availability,
    servicios_proveedor.esta_activo as is_active,
    {{ zoned_timestamp('servicios_proveedor.creado_at') }} as created_at,
    {{ zoned_timestamp('servicios_proveedor.actualizado_at') }} as updated_at
from {{ ref('tinkubot__servicios_proveedor') }} as servicios_proveedor
{{ join_value_back('tipo_precio', 'servicios_proveedor.tipo_precio') }}
