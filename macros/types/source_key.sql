{#
    The key of a legacy row, as text: what `vars.legacy_keys` says of its table.

    system  name of the system
    table   name of the legacy table
#}
{% macro source_key(system, table) -%}
    {%- set key = var('legacy_keys')[system][table] -%}
    {{ row_key(key.columns, key.order_by) }}
{%- endmacro %}
