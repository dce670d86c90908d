-- Equal values have the same text, others have another.
with cases as (

    select
        'number' as kind,
        {{ canonical_text('written.one::decimal(20, 8)', 'numeric') }}
            as one_text,
        {{ canonical_text('written.other::decimal(20, 2)', 'numeric') }}
            as other_text,
        written.are_equal
    from (
        values
        ('1.50', '1.5', true),
        ('100', '100.00', true),
        ('-0.10', '-0.1', true),
        ('0', '0.00', true),
        ('10', '1', false),
        ('100', '10', false),
        ('0.01', '0.1', false),
        ('-1', '1', false)
    ) as written (one, other, are_equal)

    union all

    select
        'whole number' as kind,
        {{ canonical_text('written.one::decimal(20, 8)', 'numeric(20, 8)') }}
            as one_text,
        written.expected as other_text,
        true as are_equal
    from (
        values
        ('1.50', '1.5'),
        ('100.00', '100'),
        ('0.00', '0'),
        ('-20', '-20'),
        ('0.00000001', '0.00000001')
    ) as written (one, expected)

    union all

    select
        'json' as kind,
        {{ canonical_text(as_json('written.one'), 'jsonb') }} as one_text,
        {{ canonical_text(as_json('written.other'), 'jsonb') }} as other_text,
        written.are_equal
    from (
        values
        ('{"a": 1, "b": [1, 2]}', '{"b":[1,2],"a":1}', true),
        (
            '{"a.b": 1, "$c": 2, "": 3, "d/e~1": 4, "f\"": 5}',
            '{"": 3, "f\"": 5, "$c": 2, "a.b": 1, "d/e~1": 4}', true
        ),
        ('[1, 2]', '[ 1,2 ]', true),
        ('"x"', ' "x"', true),
        ('[1, 2]', '[2, 1]', false),
        ('{"a": 1}', '{"a": "1"}', false),
        ('{"a": null}', '{}', false),
        ('{}', '[]', false),
        ('null', '"null"', false)
    ) as written (one, other, are_equal)

    union all

    select
        'text that holds json' as kind,
        {{ canonical_text('written.one', 'json_text') }} as one_text,
        {{ canonical_text('written.other', 'json_text') }} as other_text,
        written.are_equal
    from (
        values
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}', true),
        ('no json', 'no json', true),
        ('no json', 'no  json', false),
        ('{"a": 1}', '{"a": 1', false)
    ) as written (one, other, are_equal)

    union all

    select
        'text' as kind,
        {{ canonical_text('written.one', 'text') }} as one_text,
        {{ canonical_text('written.other', 'varchar(20)') }} as other_text,
        written.are_equal
    from (
        values
        ('a', 'a', true),
        ('1.0', '1', false),
        ('a', 'a ', false)
    ) as written (one, other, are_equal)

)

select * from cases
where
    one_text is null
    or other_text is null
    or (one_text = other_text) <> are_equal
