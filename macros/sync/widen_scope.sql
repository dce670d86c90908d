{#
    Adds to the scope the rows of the table, outside of it, that share a unique key
    with a row that comes, and those that were refused for them.

    scope     see create_scope
    relation  the table
    contract  see target_contract
    loaded    the rows that come
    columns   their columns

    Returns how many keys were added.
#}
{% macro widen_scope(scope, relation, contract, loaded, columns) -%}
    {%- set before = load_step('select count(*) from ' ~ scope).rows[0][0] | int -%}
    {%- for key in loaded_keys(contract, columns) -%}
        {%- set load_key = [] -%}
        {%- for name in contract.load_key -%}
            {%- do load_key.append('final.' ~ name) -%}
        {%- endfor -%}
        {%- set met = 'select ' ~ row_key(load_key) ~ ' as key from ' ~ relation
            ~ ' as final inner join ' ~ loaded ~ ' as later on '
            ~ _shares_key(key, 'final', 'later') -%}
        {%- do _add_to_scope(
            scope, "select '" ~ contract.sources[0] ~ "', key, key from (" ~ met ~ ') as met'
        ) -%}
        {%- do _add_to_scope(
            scope,
            'select source_table, source_key, target_key from ' ~ _repaired_keys(contract)
            ~ ' as stands where target_key in (' ~ met ~ ')'
        ) -%}
    {%- endfor -%}
    {%- set after = load_step('select count(*) from ' ~ scope).rows[0][0] | int -%}
    {%- if after > before -%}
        {%- do complete_scope(scope, contract) -%}
    {%- endif -%}
    {{ return(after - before) }}
{%- endmacro %}
