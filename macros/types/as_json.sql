{# A JSON column in the engine's own JSON type. #}
{% macro as_json(column) -%}
    ({{ column }})::{{ target_type('jsonb') }}
{%- endmacro %}
