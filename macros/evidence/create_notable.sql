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
#}
{% macro create_notable(
    notable, contract, sql, candidates, rules, queried, contenders
) -%}
    {%- set keys = temporary_relation(contract.table ~ '__notable_keys') -%}
    {%- do load_step('drop table if exists ' ~ keys) -%}
    {%- do load_step('drop table if exists ' ~ notable) -%}
    {%- do load_step(_create_notable_keys(
        keys, contract, candidates, rules, queried, contenders
    )) -%}
    {#- without it the join below is planned for a handful of rows -#}
    {%- do load_step('analyze ' ~ keys) -%}
    {%- do load_step(
        'create temporary table ' ~ notable ~ ' as select offered.*, keys._admitted,'
        ~ ' keys._reasons, keys._is_loaded from ' ~ keys ~ ' as keys inner join ('
        ~ sql ~ ') as offered on keys._source_table = offered._source_table'
        ~ ' and keys._source_key = offered._source_key'
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
    not ({{ is_valid(rules) }})
    {%- if contenders is not none %}
    or {{ _has_lost(contenders) }}
    {%- endif %}
    {%- for column in repairable_columns(contract, queried) %}
    or {{ is_repaired(contract, column, queried) }}
    {%- endfor %}
    {%- for name in ['_unplaced', '_reread'] if name in queried %}
    or {{ name }} is not null
    {%- endfor %}
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
