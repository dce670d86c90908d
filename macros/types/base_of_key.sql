{# The same as base_key, of a stored key of source_key. #}
{% macro base_of_key(system, table, key) -%}
    {%- if var('legacy_keys')[system][table].order_by -%}
        {{ without_ordinal(key) }}
    {%- else -%}
        {{ key }}
    {%- endif -%}
{%- endmacro %}
