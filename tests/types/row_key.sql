-- One text a row: the key's values, and from the second row of a key on its
-- ordinal.
with cases as (

    select
        written.provider,
        written.profession::integer as profession,
        written.seen,
        written.expected_one,
        written.expected_pair,
        written.expected_ordinal
    from (
        values
        ('p1', '1', 2, 'p1', 'p1,1', 'p1,1'),
        ('p1', '1', 1, 'p1', 'p1,1', 'p1,1#2'),
        ('p1', '1', 0, 'p1', 'p1,1', 'p1,1#3'),
        ('p1', '2', 1, 'p1', 'p1,2', 'p1,2'),
        ('p1', null, 1, 'p1', 'p1,', 'p1,'),
        (null, '1', 2, '', ',1', ',1'),
        (null, '1', 1, '', ',1', ',1#2'),
        (null, null, 1, '', ',', ',')
    ) as written (
        provider, profession, seen,
        expected_one, expected_pair, expected_ordinal
    )

),

actuals as (

    select
        *,
        {{ row_key(['provider']) }} as actual_one,
        {{ row_key(['provider', 'profession']) }} as actual_pair,
        {{ row_key(['provider', 'profession'], 'seen desc') }} as actual_ordinal
    from cases

)

select * from actuals
where
    actual_one is distinct from expected_one
    or actual_pair is distinct from expected_pair
    or actual_ordinal is distinct from expected_ordinal
