-- NULL and blanks of any kind take the default, nothing else.
with cases as (

    select
        written.given,
        written.expected,
        {{ or_default('written.given', 'Cliente TinkuBot') }} as actual
    from (
        values
        (null, 'Cliente TinkuBot'),
        ('', 'Cliente TinkuBot'),
        ('   ', 'Cliente TinkuBot'),
        (
            ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13),
            'Cliente TinkuBot'
        ),
        ('Ñ', 'Ñ'),
        (' Amaru ', ' Amaru '),
        ('0', '0'),
        ('null', 'null')
    ) as written (given, expected)

)

select * from cases
where actual is distinct from expected
