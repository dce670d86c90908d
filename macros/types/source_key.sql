{#
    The key of a legacy row, as text: what `vars.legacy_keys` says of its table.

    system  name of the system
    table   name of the legacy table
#}
{% macro source_key(system, table) -%}
    {{ target_dispatch('source_key')(system, table) }}
{%- endmacro %}

{% macro default__source_key(system, table) -%}
    {%- set key = var('legacy_keys')[system][table] -%}
    {{ row_key(key.columns, key.order_by) }}
{%- endmacro %}

{#
    Numbering the rows of one key sorts the whole table, whether anybody reads the
    number or not: here only the few rows that are judged apart are numbered, see
    judged_query, which finds the mark.
#}
{% macro attached__source_key(system, table) -%}
    replace({{ base_key(system, table) }}, chr(0), '\u0000') {{ _ordinal_mark() }}
{%- endmacro %}

{% macro _ordinal_mark() -%}
    /* ordinal */
{%- endmacro %}

{#
    The same for a proof, which reads every row: numbered where the legacy itself does
    not say that its key is unique.
#}
{% macro proved_key(system, table) -%}
    {{ target_dispatch('proved_key')(system, table) }}
{%- endmacro %}

{% macro default__proved_key(system, table) -%}
    {{ source_key(system, table) }}
{%- endmacro %}

{% macro attached__proved_key(system, table) -%}
    {%- set key = var('legacy_keys')[system][table] -%}
    {{ source_key(system, table) | replace(
        _ordinal_mark(),
        '' if _is_enforced(system, table, key.columns)
        else ' || ' ~ row_ordinal(key.columns, key.order_by)
    ) }}
{%- endmacro %}

{% macro _is_enforced(system, table, columns) -%}
    {%- set legacy = legacy_relation(system, table) -%}
    {{ return(run_query(
        "select count(*) from duckdb_constraints() where database_name = '"
        ~ legacy.database ~ "' and schema_name = '" ~ legacy.schema ~ "' and table_name = '"
        ~ table ~ "' and constraint_type in ('PRIMARY KEY', 'UNIQUE')"
        ~ " and list_sort(constraint_column_names) = list_sort(['"
        ~ columns | join("', '") ~ "'])"
    ).rows[0][0] > 0) }}
{%- endmacro %}
