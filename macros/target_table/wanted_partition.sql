{#
    How a table is to be partitioned by range on a date, as its contract and the environment
    say: {column, every}, or none. `meta.partition_by` says how; unless it says
    `enabled: false`, also that. TRASPASO_PARTITIONED names tables that are partitioned
    whether enabled or not, without their schema, separated by commas.

    contract  see target_contract
#}
{% macro wanted_partition(contract) -%}
    {{ return(target_dispatch('wanted_partition')(contract)) }}
{%- endmacro %}

{# DuckDB partitions no table. #}
{% macro default__wanted_partition(contract) -%}
    {{ return(none) }}
{%- endmacro %}

{% macro postgres__wanted_partition(contract) -%}
    {%- set named = env_var('TRASPASO_PARTITIONED', '') | replace(' ', '') -%}
    {%- set is_named = contract.table in named.split(',') -%}
    {%- set how = contract.partition_by -%}
    {%- if how is none -%}
        {%- if is_named -%}
            {{ exceptions.raise_compiler_error(
                "target_table: TRASPASO_PARTITIONED names " ~ contract.table ~ ", whose "
                ~ "contract does not say by which column. Take it out, or add "
                ~ "`partition_by: {column: …, every: month}` to its meta."
            ) }}
        {%- endif -%}
        {{ return(none) }}
    {%- endif -%}
    {%- if not (is_named or how.enabled) -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set children = _referring(contract) -%}
    {%- if children -%}
        {{ exceptions.raise_compiler_error(
            "target_table: " ~ contract.table ~ " cannot be partitioned by " ~ how.column
            ~ ": " ~ children | join(', ') ~ " refers to its key, which would not be "
            ~ "unique without that column."
        ) }}
    {%- endif -%}
    {{ return({'column': how.column, 'every': how.every}) }}
{%- endmacro %}

{# What the contract says in `meta.partition_by`, or none. #}
{% macro _partition_by(node, columns) -%}
    {%- set said = node.config.meta.partition_by -%}
    {%- if not said -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set how = {
        'column': said.column,
        'every': said.every or 'month',
        'enabled': said.enabled if said.enabled is defined else true,
    } -%}
    {%- set found = columns | selectattr('name', 'equalto', how.column) | list -%}
    {%- set is_date = found and (
        found[0].type == 'date' or found[0].type.startswith('timestamp')
    ) -%}
    {%- if not is_date or not found[0].not_null or how.every not in ['month', 'year'] -%}
        {{ exceptions.raise_compiler_error(
            "target_table: the partition_by of " ~ node.name ~ " needs a column that is a "
            ~ "date or timestamp and not_null, and `every` month or year. A row without a "
            ~ "value is refused then, as `" ~ how.column ~ ":not_null`."
        ) }}
    {%- endif -%}
    {{ return(how) }}
{%- endmacro %}

{# The columns of other tables that refer to the table. #}
{% macro _referring(contract) -%}
    {%- set found = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model'
        and node.config.materialized == 'target_table'
        and node.config.meta.system == contract.system -%}
        {%- for column in node.columns.values() -%}
            {#- as it is written, or, once compiled, the relation -#}
            {%- for constraint in column.constraints if constraint.type == 'foreign_key'
                and modules.re.search(
                    '(__|[.])' ~ contract.table ~ '[)]?$',
                    constraint.to | replace('"', '') | replace("'", '')
                ) -%}
                {%- do found.append(node.alias ~ '.' ~ column.name) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
