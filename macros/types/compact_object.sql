{#
    JSON object of the given columns without NULLs; NULL where nothing is left.

    columns  dict of key to expression: a scalar, or what compact_object gave
#}
{% macro compact_object(columns) -%}
    {{ adapter.dispatch('compact_object', 'traspaso')(columns) }}
{%- endmacro %}

{#
    Written as text and read once: half of what jsonb_build_object and jsonb_strip_nulls
    take, which build the object twice.
#}
{% macro postgres__compact_object(columns) -%}
    {{ compact_object_text(columns) }}::jsonb
{%- endmacro %}

{# The same as text, PostgreSQL only. #}
{% macro compact_object_text(columns) -%}
    nullif(
        '{' || concat_ws(
            ', '
            {%- for key, value in columns.items() %},
            '"{{ key }}": ' || to_json({{ value }})
            {%- endfor %}
        ) || '}',
        '{}'
    )
{%- endmacro %}

{% macro duckdb__compact_object(columns) -%}
    nullif(
        json_merge_patch('{}', json_object({{ _pairs(columns) }}))::varchar, '{}'
    )::json
{%- endmacro %}

{% macro _pairs(columns) -%}
    {%- for key, value in columns.items() -%}
        '{{ key }}', {{ value }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
