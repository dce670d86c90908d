{# Each foreign key of the contract has its parent, enforced by the engine or not. #}
{% test no_orphans(model) %}
    {%- if execute %}
    select * from ({{ table_orphans(relation_node(model)) }}) as orphans
    where orphans > 0
    {%- endif %}
{% endtest %}
