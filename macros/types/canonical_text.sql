{#
    A value as the one text that stands for it, so that two values are equal when
    their texts are: numbers without trailing zeros, JSON in one spelling.

    column  expression
    type    its type: `json_text` is text that holds JSON
#}
{% macro canonical_text(column, type) -%}
    {%- if type == 'json_text' -%}
        {{ adapter.dispatch('canonical_json', 'traspaso')(jsonb_or_string(column)) }}
    {%- elif type.startswith('json') -%}
        {{ adapter.dispatch('canonical_json', 'traspaso')(column) }}
    {%- elif type.startswith('numeric') or type.startswith('decimal') -%}
        {{ adapter.dispatch('canonical_number', 'traspaso')(column) }}
    {%- else -%}
        ({{ column }})::text
    {%- endif -%}
{%- endmacro %}

{% macro default__canonical_json(column) -%}
    ({{ column }})::jsonb::text
{%- endmacro %}

{# DuckDB keeps the members of an object in their order, which means nothing. #}
{% macro duckdb__canonical_json(column) -%}
    case
        when json_type({{ column }}) = 'OBJECT'
            then '{' || list_sort(list_transform(
                json_keys({{ column }}),
                member -> to_json(member)::text || ':' || json_extract(
                    {{ column }},
                    '/' || replace(replace(member, '~', '~0'), '/', '~1')
                )::text
            ))::text || '}'
        else json({{ column }})::text
    end
{%- endmacro %}

{% macro default__canonical_number(column) -%}
    trim_scale({{ column }})::text
{%- endmacro %}

{% macro duckdb__canonical_number(column) -%}
    regexp_replace(({{ column }})::text, '(\.[0-9]*[1-9])0+$|\.0+$', '\1')
{%- endmacro %}
