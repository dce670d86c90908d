{# The text of a JSON object's member; NULL where it has none or its value is null. #}
{% macro json_member(json, name) -%}
    ({{ json }} ->> '{{ name }}')
{%- endmacro %}
