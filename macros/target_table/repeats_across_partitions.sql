{#
    Whether rows of a partitioned table share a key that PostgreSQL cannot keep unique: there
    it is unique together with the column by which the table is partitioned only.

    columns  the columns that are loaded
#}
{% macro repeats_across_partitions(relation, contract, columns) -%}
    {%- if contract.partition -%}
        {%- for key in loaded_keys(contract, columns)
            if contract.partition.column not in key -%}
            {%- if load_step(
                _repeated_keys(relation, key) ~ ' limit 1'
            ).rows | length > 0 -%}
                {{ return(true) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(false) }}
{%- endmacro %}
