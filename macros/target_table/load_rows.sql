{# Runs one statement as load_step does, and returns the number of rows that it touched. #}
{% macro load_rows(sql) -%}
    {%- call statement('load_rows', auto_begin=true) -%}
        {{ sql }}
    {%- endcall -%}
    {{ return(load_result('load_rows').response.rows_affected) }}
{%- endmacro %}
