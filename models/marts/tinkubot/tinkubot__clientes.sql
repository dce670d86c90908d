with customers as (

    select * from {{ ref('stg_tinkubot__customers') }}

),

users as (

    select * from {{ ref('stg_tinkubot__users') }}

),

from_customers as (

    select
        -- ids
        id,

        -- text
        phone_number as telefono,
        {{ or_default('full_name', 'Cliente TinkuBot') }} as nombre_completo,
        city as ciudad,
        'activo' as estado,

        -- json
        {{ with_legado(
            "coalesce(notes, '{}')", {'has_consent': 'has_consent'}
        ) }} as notas,

        -- timestamps
        city_confirmed_at as ciudad_confirmada_at,
        created_at as creado_at,
        updated_at as actualizado_at,

        -- evidence
        raw_phone_number as raw__telefono,
        full_name as raw__nombre_completo,
        'active' as raw__estado,
        notes as raw__notas,
        {{ legado_unplaced(
            "coalesce(notes, '{}')", {'has_consent': 'has_consent'}
        ) }} as _unplaced,
        'customers' as _source_table,
        _source_key,
        _source_row
    from customers

),

from_users as (

    select
        -- ids
        users.id,

        -- text
        users.phone_number as telefono,
        {{ or_default('users.name', 'Cliente TinkuBot') }} as nombre_completo,
        users.city as ciudad,
        {{ mapped('estado_usuario', 'users.status') }} as estado,

        -- json
        {{ with_legado(as_json("'{}'"), {'users': compact_object({
            'user_type': 'users.user_type',
            'email': 'users.email',
            'business_name': 'users.business_name',
            'business_description': 'users.business_description',
            'address': 'users.address',
            'country': 'users.country',
            'latitude': 'users.latitude',
            'longitude': 'users.longitude',
        })}) }} as notas,

        -- timestamps
        {{ dbt.cast('null', 'timestamp') }} as ciudad_confirmada_at,
        users.created_at as creado_at,
        users.updated_at as actualizado_at,

        -- evidence
        users.raw_phone_number as raw__telefono,
        users.name as raw__nombre_completo,
        users.status as raw__estado,
        {{ as_json("'{}'") }} as raw__notas,
        {{ as_json('null') }} as _unplaced,
        'users' as _source_table,
        users._source_key,
        users._source_row
    from users
    {{ join_value_map('tinkubot', 'tipo_usuario', 'users.user_type') }}
    {{ join_value_map('tinkubot', 'estado_usuario', 'users.status') }}
    where tipo_usuario.espanol = 'cliente'

)

select * from from_customers
union all
select * from from_users
