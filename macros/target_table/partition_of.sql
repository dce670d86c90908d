{#
    How the table that is there is partitioned, which is what a load goes by: {column, every},
    or none. `every` is none where its contract does not know: no partitions are made then.
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
            "target_table: " ~ relation ~ " is there already, and is not partitioned. A final "
            ~ "table is never replaced: `traspaso rollback " ~ contract.system
            ~ " --to 0` and run again, or take it out of TRASPASO_PARTITIONED and say "
            ~ "`enabled: false` in its partition_by."
        ) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{# Whether a table that is there is partitioned. #}
{% macro is_partitioned(relation) -%}
    {{ return(target_dispatch('is_partitioned')(relation)) }}
{%- endmacro %}

{% macro default__is_partitioned(relation) -%}
    {{ return(false) }}
{%- endmacro %}

{% macro postgres__is_partitioned(relation) -%}
    {{ return(target_query(
        "select exists (select 1 from pg_partitioned_table where partrelid = to_regclass('"
        ~ relation ~ "'))"
    ).rows[0][0]) }}
{%- endmacro %}
