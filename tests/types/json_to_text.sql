-- The inverse of jsonb_or_string: text that was no JSON is that text again, any
-- other reads as the same JSON.
with cases as (

    select
        written.given,
        written.is_json
    from (
        values
        ('{"a": 1, "b": null}', true),
        ('[1, "dos", {"c": []}]', true),
        ('"SECAP 2019"', true),
        ('"[\"SECAP 2019\"]"', true),
        ('"\"twice\""', true),
        ('"12"', true),
        ('""', true),
        ('12', true),
        ('null', true),
        ('true', true),
        ('Maestro mayor, "carné" 1234', false),
        ('{"a": 1', false),
        ('\u00e9 \n', false),
        ('', false),
        ('  ', false)
    ) as written (given, is_json)

),

stored as (

    select
        *,
        {{ jsonb_or_string('given') }} as json_value
    from cases

),

actuals as (

    select
        *,
        {{ json_to_text('json_value') }} as actual
    from stored

)

select * from actuals
where
    actual is null
    or {{ jsonb_or_string('actual') }} is distinct from json_value
    or (not is_json and actual is distinct from given)
