{#
    Runs one statement of a load where the final tables are, in the load's own
    transaction, which the first one opens. Returns its rows, or none.
#}
{% macro load_step(sql) -%}
    {{ return(target_dispatch('load_step')(sql)) }}
{%- endmacro %}

{% macro default__load_step(sql) -%}
    {{ return(model_step(sql, fetch=_returns_rows(sql))) }}
{%- endmacro %}

{% macro attached__load_step(sql) -%}
    {%- if _returns_rows(sql) -%}
        {{ return(model_step('select * from ' ~ from_server(sql), fetch=true)) }}
    {%- endif -%}
    {{ return(model_step(on_server(sql))) }}
{%- endmacro %}

{#
    Runs statements that return no rows one after the other, as one: each that dbt says costs
    it some milliseconds. Those that are empty are left out.
#}
{% macro load_steps(statements) -%}
    {%- set said = statements | select | join('; ') -%}
    {%- do load_step(said) if said -%}
{%- endmacro %}

{# A load_step where the models run. `fetch` says that rows come back. #}
{% macro model_step(sql, fetch=false) -%}
    {%- call statement('load_step', fetch_result=fetch, auto_begin=true) -%}
        {{ sql }}
    {%- endcall -%}
    {{ return(load_result('load_step').table) }}
{%- endmacro %}

{% macro _returns_rows(sql) -%}
    {{ return((sql | trim).startswith('select') or (sql | trim).startswith('with')) }}
{%- endmacro %}
