-- Lower case, without blanks of any kind around; those within stay.
with cases as (

    select
        written.given,
        written.expected,
        {{ map_key('written.given') }} as actual
    from (
        values
        ('active', 'active'),
        (' ACTIVE ', 'active'),
        (chr(9) || 'Send_WhatsApp' || chr(13) || chr(10), 'send_whatsapp'),
        (chr(11) || chr(12) || 'ÁREA' || chr(12) || chr(11), 'área'),
        ('a  B', 'a  b'),
        ('  ', ''),
        ('', ''),
        (null, null)
    ) as written (given, expected)

)

select * from cases
where actual is distinct from expected
