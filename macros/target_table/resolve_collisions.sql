{#
    Of the rows that share a unique key, lets the first one stay and takes the
    others out of `loaded`. A row that is itself taken out takes no other with it,
    so nothing is refused that could have been loaded.

    Rows are taken in the order of `keep_first`, then of their legacy key. The
    contenders go to the temporary table `contenders`, with `state` 'kept' or
    'lost'; it is made only where there are any.

    loaded      relation that holds every valid candidate, and no unique index
    contract    see target_contract
    candidates  SQL of candidates()
    rules       see refusal_rules
    columns     the columns that are loaded

    Returns the relation of the contenders, or none.
#}
{% macro resolve_collisions(loaded, contract, candidates, rules, columns) -%}
    {%- set keys = loaded_keys(contract, columns) -%}

    {%- set colliding = [] -%}
    {%- for key in keys -%}
        {%- set repeated = load_step(_repeated_keys(loaded, key) ~ ' limit 1') -%}
        {%- if repeated.rows | length > 0 -%}
            {%- do colliding.append(key) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if colliding == [] -%}
        {{ return(none) }}
    {%- endif -%}

    {%- set contenders = temporary_relation(contract.table ~ '__contenders') -%}
    {%- do load_step(_create_contenders(
        contenders, loaded, contract, candidates, rules, columns, colliding
    )) -%}
    {%- do load_step(_delete_contenders(contenders, loaded, colliding)) -%}
    {%- set left = namespace(rows=1) -%}
    {%- for _ in range(100000) if left.rows > 0 -%}
        {%- do load_step(_keep_first(contenders, keys)) -%}
        {%- do load_step(_drop_beaten(contenders, keys)) -%}
        {%- set left.rows = load_step(
            "select count(*) from " ~ contenders ~ " where state = 'open'"
        ).rows[0][0] | int -%}
    {%- endfor -%}
    {%- do load_step(
        'insert into ' ~ loaded ~ ' (' ~ columns | join(', ') ~ ') select '
        ~ columns | join(', ') ~ ' from ' ~ contenders ~ " where state = 'kept'"
    ) -%}
    {{ return(contenders) }}
{%- endmacro %}

{% macro _repeated_keys(loaded, key) -%}
    select {{ key | join(', ') }}
    from {{ loaded }}
    where {% for column in key %}{{ 'and ' if not loop.first }}{{ column }} is not null {% endfor %}
    group by {{ key | join(', ') }}
    having count(*) > 1
{%- endmacro %}

{#
    `is true` keeps PostgreSQL from making a join of a lone key's IN: it believes that the
    rules leave one row, and would look for the repeated keys once for each that they do.
#}
{% macro _create_contenders(
    contenders, loaded, contract, candidates, rules, columns, colliding
) -%}
create temporary table {{ contenders }} as
select
    {{ columns | join(', ') }},
    _source_table,
    _source_key,
    row_number() over (
        order by {{ (contract.keep_first + ['_source_table', '_source_key']) | join(', ') }}
    ) as position,
    'open' as state
from {{ candidates }} as candidate
where
    {{ is_valid(rules) }}
    and (
        {%- for key in colliding %}
        {{ 'or ' if not loop.first }}({{ key | join(', ') }}) in ({{ _repeated_keys(loaded, key) }})
        {%- endfor %}
    ) is true
{%- endmacro %}

{% macro _shares_key(key, one, other) -%}
    {%- for column in key -%}
        {{ ' and ' if not loop.first }}{{ one }}.{{ column }} = {{ other }}.{{ column }}
    {%- endfor -%}
{%- endmacro %}

{% macro _delete_contenders(contenders, loaded, colliding) -%}
delete from {{ loaded }} as loaded
where exists (
    select 1 from {{ contenders }} as contender
    where
        {%- for key in colliding %}
        {{ 'or ' if not loop.first }}({{ _shares_key(key, 'contender', 'loaded') }})
        {%- endfor %}
)
{%- endmacro %}

{# An open row stays when no open row before it shares a key with it. #}
{% macro _keep_first(contenders, keys) -%}
update {{ contenders }} as contender
set state = 'kept'
where
    contender.state = 'open'
    {%- for key in keys %}
    and not exists (
        select 1 from {{ contenders }} as rival
        where
            rival.state = 'open'
            and rival.position < contender.position
            and {{ _shares_key(key, 'rival', 'contender') }}
    )
    {%- endfor %}
{%- endmacro %}

{% macro _drop_beaten(contenders, keys) -%}
update {{ contenders }} as contender
set state = 'lost'
where
    contender.state = 'open'
    and (
        {%- for key in keys %}
        {{ 'or ' if not loop.first }}exists (
            select 1 from {{ contenders }} as winner
            where
                winner.state = 'kept'
                and {{ _shares_key(key, 'winner', 'contender') }}
        )
        {%- endfor %}
    )
{%- endmacro %}
