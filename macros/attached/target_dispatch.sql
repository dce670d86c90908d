{#
    The macro `name` for the engine that holds the final tables. Everywhere but on
    `duckdb_to_postgres` that is the engine in which the models run: adapter.dispatch.
    There it is `attached__name`, or PostgreSQL's own.
#}
{% macro target_dispatch(name) -%}
    {%- if is_attached() -%}
        {%- for prefix in ['attached__', 'postgres__', 'default__']
            if (prefix ~ name) in context -%}
            {{ return(context[prefix ~ name]) }}
        {%- endfor -%}
    {%- endif -%}
    {#- dbt reads every adapter.dispatch before it runs, and wants the name itself there -#}
    {%- set dispatch = adapter.dispatch -%}
    {{ return(dispatch(name, 'traspaso')) }}
{%- endmacro %}
