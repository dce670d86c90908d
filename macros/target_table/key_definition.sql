{# A key of the contract, as ADD CONSTRAINT and CREATE TABLE take it. #}
{% macro key_definition(contract, key) -%}
    constraint {{ key.name }}
    {%- if key == contract.primary_key %} primary key ({{ key.columns | join(', ') }})
    {%- elif key.to %} foreign key ({{ key.columns | join(', ') }})
        references {{ referenced(key.to) }} ({{ key.to_columns | join(', ') }})
        {{- on_delete(key.on_delete) }}
    {%- else %} unique ({{ key.columns | join(', ') }})
    {%- endif -%}
{%- endmacro %}
