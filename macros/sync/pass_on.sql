{#
    Says what the change of one table means for others, as changes of their legacy rows
    with the operation 'p': of those whose foreign key names a legacy row of the scope,
    and of those that follow a column of the table whose value comes or goes.

    scope     see create_scope
    relation  the table, before the change
    contract  see target_contract
    within    its rows of the scope
    loaded    the rows that take their place
#}
{% macro pass_on(scope, relation, contract, within, loaded) -%}
    {%- for other in dependents(contract) -%}
        {%- for column in other.legacy_columns -%}
            {%- do load_step(_dependent_sources(scope, contract, other.contract, column)) -%}
        {%- endfor -%}
        {%- for mine, theirs in other.columns.items() -%}
            {%- do load_step(_dependent_rows(
                contract, other.contract, within, loaded, mine, theirs
            )) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{# The same where all of a table was loaded again. #}
{% macro pass_all_on(contract) -%}
    {%- for other in dependents(contract) -%}
        {%- for table in other.contract.sources -%}
            {%- do load_step(
                'insert into ' ~ evidence_relation('changes')
                ~ " (system, source_table, source_key, operation) values ('"
                ~ contract.system ~ "', '" ~ table ~ "', null, 'p')"
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{#
    The tables that depend on this one: [{contract, legacy_columns, columns}], the
    legacy columns that name its legacy rows, and its columns that theirs must equal.
#}
{% macro dependents(contract) -%}
    {%- set found = [] -%}
    {%- for node in graph.nodes.values()
        if node.config.materialized == 'target_table'
        and node.config.meta.system == contract.system
        and node.alias != contract.table -%}
        {%- set other = target_contract(node) -%}
        {%- set legacy_columns = [] -%}
        {%- set columns = {} -%}
        {%- for key in other.foreign_keys
            if _foreign_relation(key.to).identifier == contract.table -%}
            {%- for column in other.columns
                if column.name in key.columns and column.source is string -%}
                {%- do legacy_columns.append(column.source) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- for followed in other.follows if followed.target == contract.table -%}
            {%- do columns.update(followed.by) -%}
        {%- endfor -%}
        {%- if legacy_columns or columns -%}
            {%- do found.append({
                'contract': other, 'legacy_columns': legacy_columns, 'columns': columns
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{% macro _dependent_sources(scope, contract, other, column) -%}
    {%- set table = other.sources[0] -%}
    insert into {{ evidence_relation('changes') }} (system, source_table, source_key, operation)
    select distinct
        '{{ contract.system }}',
        '{{ table }}',
        {{ base_key(contract.system, table) }},
        'p'
    from {{ legacy_relation(contract.system, table) }} as source
    where source.{{ column }}::text in (select source_key from {{ scope }})
{%- endmacro %}

{% macro _dependent_rows(contract, other, within, loaded, mine, theirs) -%}
    {%- set load_key = [] -%}
    {%- for name in other.load_key -%}
        {%- do load_key.append('follower.' ~ name) -%}
    {%- endfor -%}
    insert into {{ evidence_relation('changes') }} (system, source_table, source_key, operation)
    select distinct
        '{{ contract.system }}',
        '{{ other.sources[0] }}',
        {{ row_key(load_key) }},
        'p'
    from {{ _target_of(other) }} as follower
    where follower.{{ theirs }} in (
        select now.{{ mine }} from {{ within }} as now
        union
        select later.{{ mine }} from {{ loaded }} as later
    )
{%- endmacro %}
