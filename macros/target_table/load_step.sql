{#
    Runs one statement of a load in the load's own transaction, which the first
    one opens. Returns its rows, or none.
#}
{% macro load_step(sql) -%}
    {%- call statement('load_step', fetch_result=_returns_rows(sql), auto_begin=true) -%}
        {{ sql }}
    {%- endcall -%}
    {{ return(load_result('load_step').table) }}
{%- endmacro %}

{% macro _returns_rows(sql) -%}
    {{ return((sql | trim).startswith('select') or (sql | trim).startswith('with')) }}
{%- endmacro %}
