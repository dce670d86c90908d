{# JSON object of the given columns without NULLs; NULL where nothing is left. #}
{% macro compact_object(columns) -%}
    {{ adapter.dispatch('compact_object', 'traspaso')(columns) }}
{%- endmacro %}

{% macro _pairs(columns) -%}
    {%- for key, value in columns.items() -%}
        '{{ key }}', {{ value }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{% macro postgres__compact_object(columns) -%}
    nullif(jsonb_strip_nulls(jsonb_build_object({{ _pairs(columns) }})), '{}')
{%- endmacro %}

{% macro duckdb__compact_object(columns) -%}
    nullif(
        json_merge_patch('{}', json_object({{ _pairs(columns) }}))::varchar, '{}'
    )::json
{%- endmacro %}
