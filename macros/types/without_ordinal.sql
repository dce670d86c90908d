{# A key without the ordinal of rows that share it, see row_key. #}
{% macro without_ordinal(key) -%}
    regexp_replace({{ key }}, '#[0-9]+$', '')
{%- endmacro %}
