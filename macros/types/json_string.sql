{# Text as a JSON string. #}
{% macro json_string(column) -%}
    {{ adapter.dispatch('json_string', 'traspaso')(column) }}
{%- endmacro %}

{% macro postgres__json_string(column) -%}
    to_jsonb({{ column }}::text)
{%- endmacro %}

{% macro duckdb__json_string(column) -%}
    to_json({{ column }}::text)
{%- endmacro %}
