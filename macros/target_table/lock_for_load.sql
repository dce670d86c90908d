{#
    Locks what an empty table's load will alter: the table, the parents of its foreign
    keys, the tables whose foreign keys refer to it. Before anything is read, and in
    one order: two loads that had read a common parent could not both get its lock.
    A filled table is not altered, and locks nothing.
#}
{% macro lock_for_load(relation) -%}
    {{ return(adapter.dispatch('lock_for_load', 'traspaso')(relation)) }}
{%- endmacro %}

{% macro default__lock_for_load(relation) -%}{%- endmacro %}

{% macro postgres__lock_for_load(relation) -%}
    {%- set table = "'" ~ relation ~ "'::regclass" -%}
    {%- if load_step('select exists (select 1 from ' ~ relation ~ ')').rows[0][0] -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set tables = load_step(
        "select conrelid::regclass::text from pg_constraint where contype = 'f'"
        ~ " and confrelid = " ~ table
        ~ " union select confrelid::regclass::text from pg_constraint"
        ~ " where contype = 'f' and conrelid = " ~ table
        ~ " union select " ~ table ~ "::text order by 1"
    ) -%}
    {%- do load_step(
        'lock table ' ~ tables.columns[0].values() | join(', ')
        ~ ' in access exclusive mode'
    ) -%}
{%- endmacro %}
