with {{ value_map_back('tinkubot', 'estado_usuario') }},

proveedores as (

    select * from {{ ref('tinkubot__proveedores') }}

),

clientes as (

    select * from {{ ref('tinkubot__clientes') }}

),

providers as (

    select
        proveedores.id,
        proveedores.telefono::text as phone_number,
        proveedores.nombre::text as name,
        'provider' as user_type,
        proveedores.email::text as email,
        proveedores.nombre_empresa::text as business_name,
        proveedores.descripcion_empresa as business_description,
        proveedores.direccion as address,
        proveedores.ciudad::text as city,
        proveedores.pais::text as country,
        {{ as_numeric('proveedores.latitud') }} as latitude,
        {{ as_numeric('proveedores.longitud') }} as longitude,
        estado_usuario.ingles as status,
        {{ zoned_timestamp('proveedores.creado_at') }} as created_at,
        {{ zoned_timestamp('proveedores.actualizado_at') }} as updated_at
    from proveedores
    {{ join_value_back('estado_usuario', 'proveedores.estado') }}

),

clients as (

    select
        clientes.id,
        clientes.telefono::text as phone_number,
        clientes.nombre_completo::text as name,
        {{ legado_value('clientes.notas', 'users.user_type') }} as user_type,
        {{ legado_value('clientes.notas', 'users.email') }} as email,
        {{ legado_value('clientes.notas', 'users.business_name') }}
            as business_name,
        {{ legado_value('clientes.notas', 'users.business_description') }}
            as business_description,
        {{ legado_value('clientes.notas', 'users.address') }} as address,
        clientes.ciudad::text as city,
        {{ legado_value('clientes.notas', 'users.country') }} as country,
        {{ as_numeric(legado_value('clientes.notas', 'users.latitude')) }}
            as latitude,
        {{ as_numeric(legado_value('clientes.notas', 'users.longitude')) }}
            as longitude,
        estado_usuario.ingles as status,
        {{ zoned_timestamp('clientes.creado_at') }} as created_at,
        {{ zoned_timestamp('clientes.actualizado_at') }} as updated_at
    from clientes
    {{ join_value_back('estado_usuario', 'clientes.estado') }}
    where {{ legado_value('clientes.notas', 'users') }} is not null

)

select * from providers
union all
select * from clients
