{# The columns whose values can have been repaired. #}
{% macro repairable_columns(contract, queried) -%}
    {%- set repairable = [] -%}
    {%- for column in contract.columns if column.name in queried -%}
        {%- if ('raw__' ~ column.name in queried and column.repair != 'none')
            or column.scale is not none -%}
            {%- do repairable.append(column) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(repairable) }}
{%- endmacro %}
