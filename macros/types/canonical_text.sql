{#
    A value as the one text that stands for it, so that two values are equal when
    their texts are: numbers without trailing zeros, JSON in one spelling.

    column  expression
    type    its type: `json_text` is text that holds JSON
#}
{% macro canonical_text(column, type) -%}
    {%- if type == 'json_text' -%}
        ({{ jsonb_or_string(column) }})::text
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

{% macro duckdb__canonical_json(column) -%}
    json({{ column }})::text
{%- endmacro %}

{% macro default__canonical_number(column) -%}
    trim_scale({{ column }})::text
{%- endmacro %}

{% macro duckdb__canonical_number(column) -%}
    regexp_replace(({{ column }})::text, '(\.[0-9]*?)0+$', '\1')
{%- endmacro %}
