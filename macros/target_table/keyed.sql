{#
    A relation with `_key`, by which a row is found again. NULLs in a key do not
    make rows equal, so there the rows of one key get their ordinal.
#}
{% macro keyed(relation, contract, columns) -%}
    {%- set nullable = [] -%}
    {%- for column in contract.columns
        if column.name in contract.load_key and not column.not_null -%}
        {%- do nullable.append(column.name) -%}
    {%- endfor -%}
    (
        select
            *,
            {{ row_key(
                contract.load_key,
                columns | join(', ') if nullable and contract.load_key != contract.primary_key.columns
                else none
            ) }} as _key
        from {{ relation }} as keyed
    )
{%- endmacro %}
