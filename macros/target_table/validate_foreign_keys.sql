{#
    Validates the foreign keys of a table and of those that refer to it, where they
    were put back without. In a transaction after the load's own: validating lets
    others read and write both tables, adding with validation would not.
#}
{% macro validate_foreign_keys(relation) -%}
    {{ return(target_dispatch('validate_foreign_keys')(relation)) }}
{%- endmacro %}

{% macro default__validate_foreign_keys(relation) -%}{%- endmacro %}

{% macro postgres__validate_foreign_keys(relation) -%}
    {%- set table = "'" ~ relation ~ "'::regclass" -%}
    {#- after a commit of its own the adapter opens no transaction -#}
    {%- do load_step('begin') -%}
    {%- set waiting = load_step(
        "select conrelid::regclass::text, quote_ident(conname) from pg_constraint"
        ~ " where contype = 'f' and not convalidated and conparentid = 0"
        ~ " and (conrelid = " ~ table ~ " or confrelid = " ~ table ~ ") order by oid"
    ) -%}
    {%- if waiting.rows | length > 0 -%}
        {%- do wait_for_loads(relation) -%}
        {#- as in lock_strongly: only maintenance queues behind a validation -#}
        {%- do load_step("set local lock_timeout = '5s'") -%}
    {%- endif -%}
    {%- for row in waiting.rows -%}
        {%- do load_step('alter table ' ~ row[0] ~ ' validate constraint ' ~ row[1]) -%}
    {%- endfor -%}
    {%- do adapter.commit() -%}
{%- endmacro %}
