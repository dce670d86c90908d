{#
    JSON as the legacy text column held it: the inverse of jsonb_or_string.

    column  JSON expression
#}
{% macro json_to_text(column) -%}
    {{ adapter.dispatch('json_to_text', 'traspaso')(column) }}
{%- endmacro %}

{% macro postgres__json_to_text(column) -%}
    case
        when
            jsonb_typeof({{ column }}) = 'string'
            and traspaso.jsonb_or_string({{ column }} #>> '{}') = {{ column }}
            then {{ column }} #>> '{}'
        else ({{ column }})::text
    end
{%- endmacro %}

{% macro duckdb__json_to_text(column) -%}
    case
        when
            json_type({{ column }}) = 'VARCHAR'
            and not json_valid({{ column }} ->> '$')
            then {{ column }} ->> '$'
        else ({{ column }})::varchar
    end
{%- endmacro %}
