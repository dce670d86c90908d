{# Whether a JSON object has a member of this name, be its value null. #}
{% macro has_json_member(json, name) -%}
    {{ adapter.dispatch('has_json_member', 'traspaso')(json, name) }}
{%- endmacro %}

{% macro postgres__has_json_member(json, name) -%}
    {{ json }} ? '{{ name }}'
{%- endmacro %}

{% macro duckdb__has_json_member(json, name) -%}
    json_exists({{ json }}, '{{ name }}')
{%- endmacro %}
