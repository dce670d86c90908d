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
    {{ storable_text(base_key(system, table)) }} {{ _ordinal_mark() }}
{%- endmacro %}

{% macro _ordinal_mark() -%}
    /* ordinal */
{%- endmacro %}

{# The same for a proof, which looks at few rows of a file, all of one key. #}
{% macro proved_key(system, table) -%}
    {{ target_dispatch('proved_key')(system, table) }}
{%- endmacro %}

{% macro default__proved_key(system, table) -%}
    {{ source_key(system, table) }}
{%- endmacro %}

{% macro attached__proved_key(system, table) -%}
    {%- set key = var('legacy_keys')[system][table] -%}
    {{ source_key(system, table) | replace(
        _ordinal_mark(), ' || ' ~ row_ordinal(key.columns, key.order_by)
    ) }}
{%- endmacro %}
