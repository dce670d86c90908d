{#
    Each legacy row has exactly one fate: loaded, merged, quarantined or excluded.
    Under a compat model; fails with the table's balance.
#}
{% test row_balance(model) %}
    {%- if execute %}
    select * from ({{ table_balance(relation_node(model)) }}) as balance
    where residue <> 0
    {%- endif %}
{% endtest %}
