{#
    A key of the contract, as ADD CONSTRAINT and CREATE TABLE take it. A unique key of a
    partitioned table holds the column by which it is partitioned: PostgreSQL has no other.
#}
{% macro key_definition(contract, key) -%}
    {%- set columns = key.columns if key.to else with_partition(contract, key.columns) -%}
    constraint {{ key.name }}
    {%- if key == contract.primary_key %} primary key ({{ columns | join(', ') }})
    {%- elif key.to %} foreign key ({{ key.columns | join(', ') }})
        references {{ referenced(key.to) }} ({{ key.to_columns | join(', ') }})
        {{- on_delete(key.on_delete) }}
    {%- else %} unique ({{ columns | join(', ') }})
    {%- endif -%}
{%- endmacro %}
