{# The columns of a unique key, the one by which the table is partitioned among them. #}
{% macro with_partition(contract, columns) -%}
    {%- if contract.partition and contract.partition.column not in columns -%}
        {{ return(columns + [contract.partition.column]) }}
    {%- endif -%}
    {{ return(columns) }}
{%- endmacro %}
