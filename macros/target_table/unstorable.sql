{#
    What the target's server could not hold of a value of the contract's type, as
    [{rule, violated}].

    column  of the contract
#}
{% macro unstorable(column) -%}
    {{ return(adapter.dispatch('unstorable', 'traspaso')(column)) }}
{%- endmacro %}

{# What came from PostgreSQL fits into PostgreSQL. #}
{% macro default__unstorable(column) -%}
    {{ return([]) }}
{%- endmacro %}

{#
    DuckDB's text may hold the character NUL; its dates begin and end elsewhere. An
    infinite date is no date: the applications' arithmetic on it fails.
#}
{% macro duckdb__unstorable(column) -%}
    {%- set name = column.name -%}
    {%- if column.type == 'text' or column.length is not none -%}
        {{ return([{'rule': 'type', 'violated': 'contains(' ~ name ~ ', chr(0))'}]) }}
    {%- elif column.type == 'date' -%}
        {{ return([{'rule': 'range', 'violated': name
            ~ " not between date '4714-11-24 (BC)' and date '5874897-12-31'"}]) }}
    {%- elif column.type.startswith('timestamp') -%}
        {{ return([{'rule': 'range', 'violated': name
            ~ " not between timestamp '4714-11-24 (BC) 00:00:00'"
            ~ " and timestamp '294246-12-31 23:59:59.999999'"}]) }}
    {%- endif -%}
    {{ return([]) }}
{%- endmacro %}
