{#
    Writes every value of a loaded row that was changed by more than its declared
    mapping to `repairs`, under the name of the legacy column:

    default    there was no value, the documented default took its place
    value_map  it was not exactly a legacy value of the map, but could be read
    json       it was no JSON and is kept as a JSON string
    scale      it had more decimals than the target
    no_column  it has no place in the target's row; kept here only
    …          what the column's `meta.repair` names

    contract  see target_contract
    notable   see create_notable
    queried   columns of the model's query
    scope     keys that alone were judged, see create_scope; none: all
#}
{% macro record_repairs(contract, notable, queried, scope=none) -%}
    {%- set repairs = temporary_relation(contract.table ~ '__repairs') -%}
    {%- do load_step('drop table if exists ' ~ repairs) -%}
    {%- do load_step(_create_repairs(repairs, contract, notable, queried)) -%}
    {%- do replace_evidence(
        'repairs', repairs, contract,
        key=['source_table', 'source_key', 'column_name'],
        values=['rule', 'before', 'after', 'shown'],
        scope=scope
    ) -%}
    {%- do load_step('drop table ' ~ repairs) -%}
{%- endmacro %}

{% macro _create_repairs(repairs, contract, notable, queried) -%}
    {%- set repairable = repairable_columns(contract, queried) -%}
create temporary table {{ repairs }} as
{%- if repairable %}
select
    candidate._source_table as source_table,
    candidate._source_key as source_key,
    repair.column_name,
    repair.rule,
    repair.before,
    repair.after,
    repair.shown
from {{ notable }} as candidate
cross join lateral (
    values
    {%- for column in repairable %}
    {{ _repair(contract, column, queried) }}{{ ',' if not loop.last }}
    {%- endfor %}
) as repair (column_name, rule, before, after, shown, is_repaired)
where
    candidate._is_loaded
    and repair.is_repaired
    and repair.column_name is not null
union all
{%- endif %}
{%- for kept in [
    {'name': '_unplaced', 'rule': 'no_column', 'before': 'member.value', 'after': 'null'},
    {'name': '_reread', 'rule': 'value_map', 'before':
        'candidate._source_row ->> member.name', 'after': 'member.value'},
] if kept.name in queried %}
select
    candidate._source_table,
    candidate._source_key,
    member.name,
    '{{ kept.rule }}',
    {{ kept.before }},
    {{ kept.after }},
    {{ kept.after }}
from {{ notable }} as candidate
cross join lateral {{ json_members('candidate.' ~ kept.name) }}
    as member (name, value)
where candidate._is_loaded and candidate.{{ kept.name }} is not null
union all
{%- endfor %}
select
    null::text as source_table,
    null::text as source_key,
    null::text as column_name,
    null::text as rule,
    null::text as before,
    null::text as after,
    null::text as shown
where false
{%- endmacro %}

{#
    One row of the VALUES list: column, rule, before, after, what the compat view
    shows, whether it happened.
#}
{% macro _repair(contract, column, queried) -%}
    {%- set name = column.name -%}
    {%- set raw = 'raw__' ~ name -%}
    {%- if raw not in queried -%}
    {%- set rounded = canonical_text(
        'round(' ~ name ~ ', ' ~ column.scale ~ ')', column.type
    ) -%}
    (
        {{ _source_column(column) }}, 'scale',
        {{ canonical_text(name, column.type) }},
        {{ rounded }}, {{ rounded }},
        {{ is_repaired(contract, column, queried) }}
    )
    {%- else -%}
    {%- set after = (without_legado(name) if column.type == 'jsonb' else name) -%}
    (
        {{ _source_column(column) }},
        case
            when {{ raw }} is null then 'default'
            else '{{ column.repair }}'
        end,
        {{ comparable_text(raw, column.type) }},
        {{ comparable_text(after, column.type) }},
        {% if column.map -%}
        (
            select map.ingles from {{ _value_map(contract) }} as map
            where
                map.mapa = '{{ column.map }}'
                and map.es_canonico
                and map.espanol = {{ name }}
        ),
        {%- else -%}
        {{ comparable_text(after, column.type) }},
        {%- endif %}
        {{ is_repaired(contract, column, queried) }}
    )
    {%- endif -%}
{%- endmacro %}

{# The legacy name of a column; where it differs by table, a dict says so. #}
{% macro _source_column(column) -%}
    {%- if column.source is mapping -%}
    case candidate._source_table
        {%- for table, source in column.source.items() %}
        when '{{ table }}' then '{{ source }}'
        {%- endfor %}
    end
    {%- else -%}
    '{{ column.source or column.name }}'
    {%- endif -%}
{%- endmacro %}

{% macro _value_map(contract) -%}
    {{ return(node_relation(
        graph.nodes['seed.traspaso.' ~ contract.system ~ '__valores']
    )) }}
{%- endmacro %}
