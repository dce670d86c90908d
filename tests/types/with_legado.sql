-- Kept under _legado without the NULLs; a member of that name which the JSON
-- had itself is _propio in it. What is no object is as it was.
{%- set kept = {'user_id': 'user_id', 'is_bot': 'is_bot'} %}
with cases as (

    select
        {{ as_json('written.given') }} as given,
        written.user_id,
        written.is_bot::boolean as is_bot,
        {{ as_json('written.expected') }} as expected
    from (
        values
        (
            '{}', 'u1', 'false',
            '{"_legado":{"user_id":"u1","is_bot":false}}'
        ),
        (
            '{"a":1,"b":{"c":null},"d":null}', 'u"1', null,
            '{"a":1,"b":{"c":null},"d":null,"_legado":{"user_id":"u\"1"}}'
        ),
        ('{"a":1}', null, null, '{"a":1}'),
        (
            '{"_legado":{"is_bot":null}}', 'u1', null,
            '{"_legado":{"user_id":"u1","_propio":{"is_bot":null}}}'
        ),
        (
            '{"_legado":null}', 'u1', null,
            '{"_legado":{"user_id":"u1","_propio":null}}'
        ),
        (
            '{"_legado":{"_propio":[1]},"a":1}', null, null,
            '{"a":1,"_legado":{"_propio":{"_propio":[1]}}}'
        ),
        ('[1,{"a":null}]', 'u1', 'true', '[1,{"a":null}]'),
        ('"_legado"', 'u1', 'true', '"_legado"'),
        ('12', 'u1', 'true', '12'),
        ('null', 'u1', 'true', 'null')
    ) as written (given, user_id, is_bot, expected)

),

actuals as (

    select
        *,
        {{ with_legado('given', kept) }} as actual
    from cases

)

select * from actuals
where actual is distinct from expected
