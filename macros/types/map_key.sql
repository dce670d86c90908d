{# A value as the maps look it up: lower case, without blanks around. #}
{% macro map_key(column) -%}
    lower(trim({{ column }}, ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13)))
{%- endmacro %}
