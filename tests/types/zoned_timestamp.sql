-- A naive value is read as UTC, one that the clocks of a zone skip or repeat
-- too.
with cases as (

    select
        written.given::timestamp as given,
        written.expected::timestamp with time zone as expected
    from (
        values
        ('2025-03-10 05:29:59.999999', '2025-03-10 05:29:59.999999+00'),
        ('2025-03-09 02:30:00', '2025-03-09 02:30:00+00'),
        ('1992-11-28 00:30:00', '1992-11-27 19:30:00-05'),
        ('2024-02-29 00:00:00', '2024-02-28 19:00:00-05'),
        ('infinity', 'infinity'),
        (null, null)
    ) as written (given, expected)

),

actuals as (

    select
        *,
        {{ zoned_timestamp('given') }} as actual
    from cases

)

select
    *,
    {{ utc_timestamp('actual') }} as round_trip
from actuals
where
    actual is distinct from expected
    or {{ utc_timestamp('actual') }} is distinct from given
