{# Aggregate: a JSON object of the group's names and texts. #}
{% macro json_object_of(name, value) -%}
    {{ adapter.dispatch('json_object_of', 'traspaso')(name, value) }}
{%- endmacro %}

{% macro postgres__json_object_of(name, value) -%}
    jsonb_object_agg({{ name }}, {{ value }})
{%- endmacro %}

{% macro duckdb__json_object_of(name, value) -%}
    json_group_object({{ name }}, {{ value }})
{%- endmacro %}
