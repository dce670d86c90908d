{#
    A value before or after a conversion as text, the same for values that are the same:
    a number has no zeros at its end.

    value  expression
    type   of the contract's column
#}
{% macro comparable_text(value, type) -%}
    {{ adapter.dispatch('comparable_text', 'traspaso')(value, type) }}
{%- endmacro %}

{% macro default__comparable_text(value, type) -%}
    ({{ value }})::text
{%- endmacro %}

{% macro duckdb__comparable_text(value, type) -%}
    {{ canonical_text(value, type) if type.startswith('numeric') else '(' ~ value ~ ')::text' }}
{%- endmacro %}
