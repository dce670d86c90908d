{# The key of a row, as source_key has it, without the ordinal of rows that share it. #}
{% macro base_key(system, table) -%}
    {{ row_key(var('legacy_keys')[system][table].columns) }}
{%- endmacro %}
