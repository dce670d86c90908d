-- Whatever the offset it was written with, and the time zone of the session;
-- zoned_timestamp gives back the same moment.
with cases as (

    select
        written.given::timestamp with time zone as given,
        written.expected::timestamp as expected
    from (
        values
        ('2025-03-09 23:59:59.999999-05:30', '2025-03-10 05:29:59.999999'),
        ('2025-03-10 12:30:00.5+05:45', '2025-03-10 06:45:00.5'),
        ('2025-01-01 00:00:00-05', '2025-01-01 05:00:00'),
        ('2024-02-29 00:00:00+00', '2024-02-29 00:00:00'),
        ('1992-11-28 12:00:00-05', '1992-11-28 17:00:00'),
        ('0001-01-01 00:00:00+00', '0001-01-01 00:00:00'),
        ('infinity', 'infinity'),
        (null, null)
    ) as written (given, expected)

),

actuals as (

    select
        *,
        {{ utc_timestamp('given') }} as actual
    from cases

)

select
    *,
    {{ zoned_timestamp('actual') }} as round_trip
from actuals
where
    actual is distinct from expected
    or {{ zoned_timestamp('actual') }} is distinct from given
