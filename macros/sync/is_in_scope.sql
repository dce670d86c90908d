{#
    True of a row of the final table whose key is in the scope. By the column itself
    where the key is one, so that its index serves.

    scope     see create_scope
    contract  see target_contract
    alias     the row
#}
{% macro is_in_scope(scope, contract, alias) -%}
    {%- set column = contract.columns
        | selectattr('name', 'equalto', contract.load_key[0]) | first -%}
    {%- if contract.load_key | length == 1 and not contract.keeps_ordinals -%}
        {{ alias }}.{{ column.name }} in (
            select target_key::{{ column.type }} from {{ scope }}
            where target_key <> ''
        )
    {%- else -%}
        {%- set columns = [] -%}
        {%- for name in contract.load_key -%}
            {%- do columns.append(alias ~ '.' ~ name) -%}
        {%- endfor -%}
        {{ row_key(columns) }} in (select target_key from {{ scope }})
    {%- endif -%}
{%- endmacro %}
