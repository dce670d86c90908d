-- The JSON as it was before with_legado, whatever was kept in it.
{%- set kept = {'user_id': 'user_id', 'users': 'users'} %}
with cases as (

    select
        {{ as_json('written.given') }} as given,
        kept.user_id,
        {{ as_json('kept.users') }} as users
    from (
        values
        ('{}'),
        ('{"a":1,"b":{"c":null},"d":null}'),
        ('{"user_id":"own","users":[]}'),
        ('{"_legado":{"user_id":"own"}}'),
        ('{"_legado":{"a":null,"b":[null]},"z":null}'),
        ('{"_legado":null}'),
        ('{"_legado":"text"}'),
        ('{"_legado":{"_propio":{"_propio":1}}}'),
        ('{"_propio":1}'),
        ('[{"_legado":1}]'),
        ('"_legado"'),
        ('12.50'),
        ('true'),
        ('null')
    ) as written (given)
    cross join (
        values
        ('u1', '{"email":"a@b.example"}'),
        ('u1', null),
        (null, null)
    ) as kept (user_id, users)

),

stored as (

    select
        *,
        {{ with_legado('given', kept) }} as json_value
    from cases

),

actuals as (

    select
        *,
        {{ without_legado('json_value') }} as actual
    from stored

)

select * from actuals
where
    {{ canonical_text('actual', 'jsonb') }}
    is distinct from {{ canonical_text('given', 'jsonb') }}
