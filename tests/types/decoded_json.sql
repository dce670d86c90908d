-- Only the text of an object is decoded, and only once.
with cases as (

    select
        {{ as_json('written.given') }} as given,
        {{ as_json('written.expected') }} as expected
    from (
        values
        ('{"a":1}', '{"a":1}'),
        ('"{\"a\":1}"', '{"a":1}'),
        ('"{\"a\":\"{\\\"b\\\":2}\"}"', '{"a":"{\"b\":2}"}'),
        ('"\"{\\\"a\\\":1}\""', '"\"{\\\"a\\\":1}\""'),
        ('"[1]"', '"[1]"'),
        ('"12"', '"12"'),
        ('"null"', '"null"'),
        ('"acepto"', '"acepto"'),
        ('"{acepto"', '"{acepto"'),
        ('""', '""'),
        ('[1]', '[1]'),
        ('12', '12'),
        ('null', 'null'),
        (null, null)
    ) as written (given, expected)

),

actuals as (

    select
        *,
        {{ decoded_json('given') }} as actual
    from cases

)

select * from actuals
where actual is distinct from expected
