{#
    The rows that the evidence speaks of, in a temporary table: those that are not
    loaded, and those that are loaded with a repaired value. All columns of the
    model's query, and beside them
    _admitted   whether no rule of the contract refuses it
    _reasons    the rules that do
    _is_loaded  whether it is in the table

    In two steps: first their keys, for which a scan of all rows computes no more
    than the rules need, then their columns, the JSON of the whole row included.

    notable     relation to create
    contract    see target_contract
    sql         the model's query
    candidates  SQL of candidates()
    rules       see refusal_rules
    queried     columns of the model's query
    contenders  see resolve_collisions, or none
    noted       the keys, where insert_candidates noted them; none: they are looked for
#}
{% macro create_notable(
    notable, contract, sql, candidates, rules, queried, contenders, noted=none
) -%}
    {%- set keys = noted or temporary_relation(contract.table ~ '__notable_keys') -%}
    {%- do load_step('drop table if exists ' ~ notable) -%}
    {%- if noted is none -%}
        {%- do load_step('drop table if exists ' ~ keys) -%}
        {%- do load_step(_create_notable_keys(
            keys, contract, candidates, rules, queried, contenders
        )) -%}
    {%- elif contenders is not none -%}
        {%- do load_step('update ' ~ keys ~ ' set _is_loaded = false where '
            ~ _has_lost(contenders)) -%}
        {%- do load_step(_note_lost(keys, contenders)) -%}
    {%- endif -%}
    {%- set is_empty = load_step(
        'select not exists (select 1 from ' ~ keys ~ ')'
    ).rows[0][0] -%}
    {#- without it the join below is planned for a handful of rows -#}
    {%- do load_step('analyze ' ~ keys) -%}
    {%- do load_step(
        'create temporary table ' ~ notable ~ ' as select offered.*, keys._admitted,'
        ~ ' keys._reasons, keys._is_loaded from ' ~ keys ~ ' as keys inner join ('
        ~ sql ~ ') as offered on keys._source_table = offered._source_table'
        ~ ' and keys._source_key = offered._source_key' ~ (' limit 0' if is_empty else '')
    ) -%}
    {%- do load_step('drop table ' ~ keys) -%}
{%- endmacro %}

{% macro _create_notable_keys(keys, contract, candidates, rules, queried, contenders) -%}
create temporary table {{ keys }} as
select
    _source_table,
    _source_key,
    {{ is_valid(rules) }} as _admitted,
    {{ refusal_reasons(rules) }} as _reasons,
    {{ is_valid(rules) }}
    {%- if contenders is not none %}
    and not {{ _has_lost(contenders) }}
    {%- endif %} as _is_loaded
from {{ candidates }} as candidate
where
    {{ is_notable(contract, rules, queried) }}
    {%- if contenders is not none %}
    or {{ _has_lost(contenders) }}
    {%- endif %}
{%- endmacro %}

{% macro _note_lost(keys, contenders) -%}
insert into {{ keys }}
select
    lost._source_table,
    lost._source_key,
    true,
    '{}',
    false
from {{ contenders }} as lost
where
    lost.state = 'lost'
    and not exists (
        select 1 from {{ keys }} as keys
        where
            keys._source_table = lost._source_table
            and keys._source_key = lost._source_key
    )
{%- endmacro %}

{% macro _has_lost(contenders) -%}
    (_source_table, _source_key) in (
        select
            _source_table,
            _source_key
        from {{ contenders }}
        where state = 'lost'
    )
{%- endmacro %}
