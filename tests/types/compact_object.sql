-- An object of what there is, NULL where there is nothing.
{%- set members = {
    'name': 'name',
    'total': 'total',
    'inner': compact_object({'flag': 'flag'}),
} %}
with cases as (

    select
        written.name,
        written.total::integer as total,
        written.flag::boolean as flag,
        {{ as_json('written.expected') }} as expected
    from (
        values
        (
            'Ñ "x" \', '0', 'false',
            '{"name":"Ñ \"x\" \\","total":0,"inner":{"flag":false}}'
        ),
        ('', null, null, '{"name":""}'),
        (null, '7', null, '{"total":7}'),
        (null, null, 'true', '{"inner":{"flag":true}}'),
        (null, null, null, null)
    ) as written (name, total, flag, expected)

),

actuals as (

    select
        *,
        {{ compact_object(members) }} as actual
    from cases

)

select * from actuals
where actual is distinct from expected
