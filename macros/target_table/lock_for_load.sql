{#
    Locks what an empty table's load will alter: the table, the parents of its foreign
    keys, the tables whose foreign keys refer to it. Before anything is read, and in
    one order: two loads that had read a common parent could not both get its lock.
    A filled table is not altered, and locks nothing.

    Loads wait for each other as long as it takes, on advisory locks: nobody queues
    behind those. The tables' own locks are waited for by lock_timeout, see
    lock_strongly.
#}
{% macro lock_for_load(relation) -%}
    {{ return(target_dispatch('lock_for_load')(relation)) }}
{%- endmacro %}

{% macro default__lock_for_load(relation) -%}{%- endmacro %}

{% macro postgres__lock_for_load(relation) -%}
    {%- set tables = wait_for_loads(relation) -%}
    {%- if load_step('select exists (select 1 from ' ~ relation ~ ')').rows[0][0] -%}
        {{ return(none) }}
    {%- endif -%}
    {%- do lock_strongly(tables) -%}
{%- endmacro %}

{#
    Waits for the loads of the table, of the parents of its foreign keys and of the
    tables that refer to it, and lets none begin before this transaction ends. Returns
    their names.
#}
{% macro wait_for_loads(relation) -%}
    {%- set table = "'" ~ relation ~ "'::regclass" -%}
    {%- set found = load_step(
        "select conrelid::regclass::text, conrelid::bigint from pg_constraint"
        ~ " where contype = 'f' and conparentid = 0 and confrelid = " ~ table
        ~ " union select confrelid::regclass::text, confrelid::bigint from pg_constraint"
        ~ " where contype = 'f' and conrelid = " ~ table
        ~ " union select " ~ table ~ "::text, " ~ table ~ "::bigint order by 1"
    ).rows -%}
    {%- set before = load_step("select current_setting('lock_timeout')").rows[0][0] -%}
    {%- do load_step("set local lock_timeout = 0") -%}
    {%- for row in found -%}
        {%- do load_step(
            "select pg_advisory_xact_lock(hashtextextended('traspaso load', "
            ~ row[1] | int ~ "))"
        ) -%}
    {%- endfor -%}
    {%- do load_step("set local lock_timeout = '" ~ before ~ "'") -%}
    {{ return(found | map(attribute=0) | list) }}
{%- endmacro %}
