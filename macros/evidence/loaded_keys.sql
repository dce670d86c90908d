{# The unique keys whose columns are all loaded, as lists of columns. #}
{% macro loaded_keys(contract, columns) -%}
    {%- set keys = [] -%}
    {%- for key in [contract.primary_key] + contract.uniques
        if key.columns | reject('in', columns) | list == [] -%}
        {%- do keys.append(key.columns) -%}
    {%- endfor -%}
    {{ return(keys) }}
{%- endmacro %}
