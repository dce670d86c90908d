{# Runs install_evidence as an operation of its own: `dbt run-operation install`. #}
{% macro install() -%}
    {%- set ddl = target_dispatch('install_evidence')() | trim -%}
    {%- if ddl -%}
        {%- if is_attached() -%}
            {%- do model_step(_known_schema()) -%}
        {%- endif -%}
        {%- do load_step(ddl) -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}
