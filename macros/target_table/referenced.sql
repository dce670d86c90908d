{# The parent of a foreign key, as the engine lets it be named there. #}
{% macro referenced(to) -%}
    {{ target_dispatch('referenced')(to) }}
{%- endmacro %}

{% macro default__referenced(to) -%}
    {{ to }}
{%- endmacro %}

{# DuckDB takes no database in it. #}
{% macro duckdb__referenced(to) -%}
    {{ to.split('.')[-2:] | join('.') }}
{%- endmacro %}
