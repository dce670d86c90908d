with users as (

    select * from {{ ref('stg_tinkubot__users') }}

)

select
    -- ids
    users.id,

    -- text
    users.phone_number as telefono,
    {{ or_default('users.name', 'Proveedor TinkuBot') }} as nombre,
    users.email,
    users.business_name as nombre_empresa,
    users.business_description as descripcion_empresa,
    users.address as direccion,
    users.city as ciudad,
    users.country as pais,
    {{ mapped('estado_usuario', 'users.status') }} as estado,

    -- numerics
    users.latitude as latitud,
    users.longitude as longitud,

    -- timestamps
    users.created_at as creado_at,
    users.updated_at as actualizado_at,

    -- evidence
    users.raw_phone_number as raw__telefono,
    users.name as raw__nombre,
    users.status as raw__estado,
    users.user_type as _user_type,
    tipo_usuario.espanol as _tipo_usuario,
    {{ compact_object({
        'user_type': "case when users.user_type <> 'provider' then 'provider' end"
    }) }} as _reread,
    'users' as _source_table,
    users._source_key,
    users._source_row
from users
{{ join_value_map('tinkubot', 'tipo_usuario', 'users.user_type') }}
{{ join_value_map('tinkubot', 'estado_usuario', 'users.status') }}
where tipo_usuario.espanol is distinct from 'cliente'
