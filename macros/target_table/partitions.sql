{#
    How a table is to be parted by range on a date, as its contract and the environment
    say: {column, every}, or none. `meta.partition_by` says how; unless it says
    `enabled: false`, also that. TRASPASO_PARTITIONED names tables that are parted
    whether enabled or not, without their schema, separated by commas.

    contract  see target_contract
#}
{% macro wanted_partition(contract) -%}
    {{ return(target_dispatch('wanted_partition')(contract)) }}
{%- endmacro %}

{# DuckDB parts no table. #}
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
    {%- set children = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model'
        and node.config.materialized == 'target_table' -%}
        {%- for column in node.columns.values() -%}
            {%- for constraint in column.constraints if constraint.type == 'foreign_key'
                and "__" ~ contract.table ~ "'" in constraint.to | replace('"', "'")
                and node.config.meta.system == contract.system -%}
                {%- do children.append(node.alias ~ '.' ~ column.name) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if children -%}
        {{ exceptions.raise_compiler_error(
            "target_table: " ~ contract.table ~ " cannot be parted by " ~ how.column
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

{#
    How the table that is there is parted, which is what a load goes by: {column, every},
    or none. `every` is none where its contract does not know: no parts are made then.
#}
{% macro partition_of(relation, contract) -%}
    {{ return(target_dispatch('partition_of')(relation, contract)) }}
{%- endmacro %}

{% macro default__partition_of(relation, contract) -%}
    {{ return(none) }}
{%- endmacro %}

{% macro postgres__partition_of(relation, contract) -%}
    {%- set found = load_step(
        "select (select attname::text from pg_attribute where attrelid = partrelid and"
        ~ " attnum = partattrs[0]) as attname from pg_partitioned_table where partrelid = '"
        ~ relation ~ "'::regclass"
    ).rows -%}
    {%- if found | length > 0 -%}
        {%- set column = found[0][0] -%}
        {%- set how = contract.partition_by or {} -%}
        {{ return({
            'column': column, 'every': how.every if how.column == column else none
        }) }}
    {%- endif -%}
    {%- if wanted_partition(contract) is not none -%}
        {{ exceptions.raise_compiler_error(
            "target_table: " ~ relation ~ " is there already, and is not parted. A final "
            ~ "table is never replaced: `traspaso rollback " ~ contract.system
            ~ " --to 0` and run again, or take it out of TRASPASO_PARTITIONED and say "
            ~ "`enabled: false` in its partition_by."
        ) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{# Whether a table that is there is parted. #}
{% macro is_parted(relation) -%}
    {{ return(target_dispatch('is_parted')(relation)) }}
{%- endmacro %}

{% macro default__is_parted(relation) -%}
    {{ return(false) }}
{%- endmacro %}

{% macro postgres__is_parted(relation) -%}
    {{ return(target_query(
        "select exists (select 1 from pg_partitioned_table where partrelid = to_regclass('"
        ~ relation ~ "'))"
    ).rows[0][0]) }}
{%- endmacro %}

{# The columns of a unique key, the one by which the table is parted among them. #}
{% macro with_partition(contract, columns) -%}
    {%- if contract.partition and contract.partition.column not in columns -%}
        {{ return(columns + [contract.partition.column]) }}
    {%- endif -%}
    {{ return(columns) }}
{%- endmacro %}

{#
    Whether rows of a parted table share a key that PostgreSQL cannot keep unique: there
    it is unique together with the column by which the table is parted only.

    columns  the columns that are loaded
#}
{% macro repeats_across_partitions(relation, contract, columns) -%}
    {%- if contract.partition -%}
        {%- for key in loaded_keys(contract, columns)
            if contract.partition.column not in key -%}
            {%- if load_step(
                _repeated_keys(relation, key) ~ ' limit 1'
            ).rows | length > 0 -%}
                {{ return(true) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(false) }}
{%- endmacro %}
