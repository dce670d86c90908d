{#
    Writes every value of a loaded row that was changed by more than its declared
    mapping to `repairs`, under the name of the legacy column:

    default    there was no value, the documented default took its place
    value_map  it was not exactly a legacy value of the map, but could be read
    json       it was no JSON and is kept as a JSON string
    scale      it had more decimals than the target
    no_column  it has no place in the target's row; kept here only
    …          what the column's `meta.repair` names

    relation … contenders  as record_fates has them
    queried                columns of the model's query
#}
{% macro record_repairs(
    relation, contract, candidates, rules, columns, queried, contenders
) -%}
    {%- set repairs = temporary_relation(contract.table ~ '__repairs') -%}
    {%- do load_step('drop table if exists ' ~ repairs) -%}
    {%- do load_step(_create_repairs(
        repairs, contract, candidates, rules, columns, queried, contenders
    )) -%}
    {%- do replace_evidence(
        'repairs', repairs, contract,
        key=['source_table', 'source_key', 'column_name'],
        values=['rule', 'before', 'after', 'shown']
    ) -%}
    {%- do load_step('drop table ' ~ repairs) -%}
{%- endmacro %}

{% macro _create_repairs(
    repairs, contract, candidates, rules, columns, queried, contenders
) -%}
    {%- set repairable = [] -%}
    {%- for column in contract.columns if column.name in columns -%}
        {%- if ('raw__' ~ column.name in queried and column.repair != 'none')
            or column.scale is not none -%}
            {%- do repairable.append(column) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set loaded -%}
        {{ is_valid(rules) }}
        {%- if contenders is not none %}
        and not {{ _has_lost(contenders) }}
        {%- endif -%}
    {%- endset -%}
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
from {{ candidates }} as candidate
cross join lateral (
    values
    {%- for column in repairable %}
    {{ _repair(contract, column, queried) }}{{ ',' if not loop.last }}
    {%- endfor %}
) as repair (column_name, rule, before, after, shown, is_repaired)
where
    repair.is_repaired
    and repair.column_name is not null
    and {{ loaded }}
union all
{%- endif %}
{%- if '_unplaced' in queried %}
select
    candidate._source_table,
    candidate._source_key,
    member.name,
    'no_column',
    member.value,
    null,
    null
from {{ candidates }} as candidate
cross join lateral {{ json_members('candidate._unplaced') }} as member (name, value)
where {{ loaded }}
union all
{%- endif %}
{%- if '_reread' in queried %}
select
    candidate._source_table,
    candidate._source_key,
    member.name,
    'value_map',
    candidate._source_row ->> member.name,
    member.value,
    member.value
from {{ candidates }} as candidate
cross join lateral {{ json_members('candidate._reread') }} as member (name, value)
where {{ loaded }}
union all
{%- endif %}
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
        {{ name }} <> round({{ name }}, {{ column.scale }})
    )
    {%- else -%}
    {%- set after = (without_legado(name) if column.type == 'jsonb' else name) -%}
    (
        {{ _source_column(column) }},
        case
            when {{ raw }} is null or trim({{ raw }}::text) = '' then 'default'
            else '{{ column.repair }}'
        end,
        {{ raw }}::text,
        ({{ after }})::text,
        {% if column.map -%}
        (
            select map.ingles from {{ _value_map(contract) }} as map
            where
                map.mapa = '{{ column.map }}'
                and map.es_canonico
                and map.espanol = {{ name }}
        ),
        {%- else -%}
        ({{ after }})::text,
        {%- endif %}
        {% if column.repair == 'value_map' -%}
        {{ name }} is not null and not exists (
            select 1 from {{ _value_map(contract) }} as map
            where
                map.mapa = '{{ column.map }}'
                and map.es_canonico
                and map.ingles = {{ raw }}
                and map.espanol = {{ name }}
        )
        {%- elif column.repair == 'json' -%}
        {{ name }} is not null
        and ({{ raw }} is null or {{ name }} = {{ json_string(raw) }})
        {%- else -%}
        {{ name }}::text is distinct from {{ raw }}::text
        {%- endif %}
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
