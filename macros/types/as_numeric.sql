{#
    A number in the type of the legacy's unbounded `numeric`.

    column  numeric or text expression
#}
{% macro as_numeric(column) -%}
    {{ adapter.dispatch('as_numeric', 'traspaso')(column) }}
{%- endmacro %}

{% macro default__as_numeric(column) -%}
    ({{ column }})::numeric
{%- endmacro %}

{# DuckDB's `numeric` has three decimals. #}
{% macro duckdb__as_numeric(column) -%}
    ({{ column }})::decimal(38, 12)
{%- endmacro %}
