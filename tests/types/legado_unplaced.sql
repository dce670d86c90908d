-- What with_legado has no place for: only where the JSON is no object.
{%- set kept = {'user_id': 'user_id', 'is_bot': 'is_bot'} %}
with cases as (

    select
        {{ as_json('written.given') }} as given,
        written.user_id,
        written.is_bot::boolean as is_bot,
        {{ as_json('written.expected') }} as expected
    from (
        values
        ('{}', 'u1', 'true', null),
        ('{"_legado":1}', 'u1', 'true', null),
        ('[1]', 'u1', 'true', '{"user_id":"u1","is_bot":true}'),
        ('"text"', 'u1', null, '{"user_id":"u1"}'),
        ('12', null, 'false', '{"is_bot":false}'),
        ('null', 'u1', null, '{"user_id":"u1"}'),
        ('[1]', null, null, null)
    ) as written (given, user_id, is_bot, expected)

),

actuals as (

    select
        *,
        {{ legado_unplaced('given', kept) }} as actual
    from cases

)

select * from actuals
where actual is distinct from expected
