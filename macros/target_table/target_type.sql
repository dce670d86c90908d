{# The contract's type as the engine names it. #}
{% macro target_type(type) -%}
    {{ return(target_dispatch('target_type')(type)) }}
{%- endmacro %}

{% macro default__target_type(type) -%}
    {{ return(type) }}
{%- endmacro %}

{% macro duckdb__target_type(type) -%}
    {{ return('json' if type == 'jsonb' else type) }}
{%- endmacro %}
