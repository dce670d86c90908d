{#
    CREATE TABLE and all that belongs to it, from the contract: keys, checks,
    defaults, foreign keys, indexes under their documented names, comments,
    triggers, row-level security.

    relation     the table
    contract     see target_contract
    description  its comment
#}
{% macro create_target_table(relation, contract, description) -%}
    {{ target_dispatch('create_target_table')(
        relation, contract, description
    ) }}
{%- endmacro %}

{% macro postgres__create_target_table(relation, contract, description) -%}
create table {{ relation }} (
    {{ _column_definitions(contract, serial_type='serial') }}
)
{%- if contract.partition %} partition by range ({{ contract.partition.column }}){% endif %};
{%- for key in [contract.primary_key] + contract.uniques + contract.foreign_keys %}
alter table {{ relation }} add {{ key_definition(contract, key) }};
{%- endfor %}
{%- for index in contract.indexes %}
{{ index_definition(relation, dict(
    index, columns=with_partition(contract, index.columns)
) if index.unique else index) }};
{%- endfor %}
{%- if contract.partition %}
create table {{ relation.schema }}.{{ relation.identifier }}_resto partition of {{ relation }} default;
{%- endif %}
comment on table {{ relation }} is {{ _literal(description) }};
{%- for column in contract.columns %}
comment on column {{ relation }}.{{ column.name }} is {{ _literal(column.description) }};
{%- endfor %}
{%- for trigger in contract.triggers %}
create trigger {{ trigger.name }} {{ trigger.fires }} on {{ relation }}
    for each row execute function {{ trigger.function }};
{%- endfor %}
{%- if contract.row_level_security %}
alter table {{ relation }} enable row level security;
{%- endif %}
{%- for policy in contract.row_level_security %}
create policy {{ policy.name }} on {{ relation }} using ({{ policy.using }});
{%- endfor %}
{%- endmacro %}

{#
    DuckDB adds no foreign key to a table that is there, and a sequence of its
    own stands for SERIAL; lengths, triggers and row-level security it has not.
#}
{% macro duckdb__create_target_table(relation, contract, description) -%}
    {%- for column in contract.columns if column.serial %}
create sequence {{ _sequence(relation, column) }};
    {%- endfor %}
create table {{ relation }} (
    {{ _column_definitions(contract, sequence_of=relation) }}
    {%- for key in [contract.primary_key] + contract.uniques + contract.foreign_keys %},
    {{ key_definition(contract, key) }}
    {%- endfor %}
);
{%- for index in contract.indexes %}
{{ index_definition(relation, index) }};
{%- endfor %}
comment on table {{ relation }} is {{ _literal(description) }};
{%- for column in contract.columns %}
comment on column {{ relation }}.{{ column.name }} is {{ _literal(column.description) }};
{%- endfor %}
{%- endmacro %}

{% macro _column_definitions(contract, serial_type=none, sequence_of=none) -%}
    {%- for column in contract.columns %}
    {{- column.name }} {{ serial_type if column.serial and serial_type else target_type(column.type) }}
    {%- if column.serial and sequence_of %} default nextval('{{ _sequence(sequence_of, column) }}'){% endif %}
    {%- if column.default %} default {{ column.default }}{% endif %}
    {%- if column.not_null %} not null{% endif %}
    {%- for check in column.checks %}
        constraint {{ check.name }} check ({{ check.expression }})
    {%- endfor %}
    {{- ',\n    ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{% macro _sequence(relation, column) -%}
    {{- relation.schema }}.{{ relation.identifier }}_{{ column.name }}_seq
{%- endmacro %}

{% macro _literal(text) -%}
    '{{ text | trim | replace("'", "''") }}'
{%- endmacro %}
