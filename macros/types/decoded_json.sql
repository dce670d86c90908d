{#
    JSON that was encoded twice, a JSON string that holds the text of an object,
    as that object; any other JSON as it is.

    column  JSON expression
#}
{% macro decoded_json(column) -%}
    {{ adapter.dispatch('decoded_json', 'traspaso')(column) }}
{%- endmacro %}

{% macro postgres__decoded_json(column) -%}
    case
        when
            jsonb_typeof({{ column }}) = 'string'
            and jsonb_typeof(
                traspaso.jsonb_or_string({{ column }} #>> '{}')
            ) = 'object'
            then traspaso.jsonb_or_string({{ column }} #>> '{}')
        else {{ column }}
    end
{%- endmacro %}

{% macro duckdb__decoded_json(column) -%}
    case
        when
            json_type({{ column }}) = 'VARCHAR'
            and json_valid({{ column }} ->> '$')
            and json_type({{ column }} ->> '$') = 'OBJECT'
            then json({{ column }} ->> '$')
        else {{ column }}
    end
{%- endmacro %}
