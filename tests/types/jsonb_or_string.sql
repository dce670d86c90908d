-- JSON is JSON; what is none, or would lose something, is a string of the text.
with cases as (

    select
        written.given,
        {{ as_json('written.expected') }} as expected
    from (
        values
        ('{"a": 1}', '{"a":1}'),
        (' [1, "dos", null, true] ', '[1,"dos",null,true]'),
        ('{"a": {"b": null}}', '{"a":{"b":null}}'),
        ('"SECAP 2019"', '"SECAP 2019"'),
        ('"[\"SECAP 2019\"]"', '"[\"SECAP 2019\"]"'),
        ('12', '12'),
        ('null', 'null'),
        ('{}', '{}'),
        ('{"a": 1, "b": {"a": 2}}', '{"a":1,"b":{"a":2}}'),
        ('Maestro mayor, "carné" 1234', '"Maestro mayor, \"carné\" 1234"'),
        ('{"a": 1', '"{\"a\": 1"'),
        ('[1,]', '"[1,]"'),
        ('{''a'': 1}', '"{''a'': 1}"'),
        ('{"a": [1,], "b": 2}', '"{\"a\": [1,], \"b\": 2}"'),
        ('{"a": ",] NaN \" ,}"}', '{"a":",] NaN \" ,}"}'),
        ('NaN', '"NaN"'),
        ('[-Infinity]', '"[-Infinity]"'),
        ('', '""'),
        ('  ', '"  "'),
        ('{"a": 1, "a": 2}', '"{\"a\": 1, \"a\": 2}"'),
        (null, null)
    ) as written (given, expected)

),

actuals as (

    select
        *,
        {{ jsonb_or_string('given') }} as actual
    from cases

)

select * from actuals
where actual is distinct from expected
