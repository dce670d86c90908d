{#
    What the compat view shows equals the legacy, on every loaded row.
    Under a compat model; fails with the keys of the rows that differ.
#}
{% test round_trip(model) %}
    {%- if execute %}
    select * from ({{ compared_rows(relation_node(model)) }}) as compared
    where differs or not is_legacy or not is_shown
    {%- endif %}
{% endtest %}
