{#
    A text that PostgreSQL can hold: of the character NUL, which DuckDB may have in it,
    the six characters of its escape.
#}
{% macro storable_text(text) -%}
    {{ adapter.dispatch('storable_text', 'traspaso')(text) }}
{%- endmacro %}

{% macro default__storable_text(text) -%}
    {{ text }}
{%- endmacro %}

{% macro duckdb__storable_text(text) -%}
    replace({{ text }}, chr(0), '\u0000')
{%- endmacro %}
