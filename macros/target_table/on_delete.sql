{# What a foreign key does when its parent goes, as the engine lets it be said. #}
{% macro on_delete(action) -%}
    {{ target_dispatch('on_delete')(action) }}
{%- endmacro %}

{% macro default__on_delete(action) -%}
    {{ ' ' ~ action if action }}
{%- endmacro %}

{# DuckDB knows no action on delete. #}
{% macro duckdb__on_delete(action) -%}{%- endmacro %}
