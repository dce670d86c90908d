{# Runs install_evidence as an operation of its own: `dbt run-operation install`. #}
{% macro install() -%}
    {%- set ddl = install_evidence() | trim -%}
    {%- if ddl -%}
        {%- do load_step(ddl) -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}
