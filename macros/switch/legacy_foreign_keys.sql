{#
    The foreign keys of one column between the legacy tables of a system, as a list of
    {column, parent, parent_column, nullable}.

    system  name of the system
    table   legacy table that has them
#}
{% macro legacy_foreign_keys(system, table) -%}
    {%- set found = [] -%}
    {%- set rows = load_step(
        'select mine.attname, parent.relname, theirs.attname, not mine.attnotnull'
        ~ ' from pg_constraint as key'
        ~ ' inner join pg_class as parent on parent.oid = key.confrelid'
        ~ ' inner join pg_attribute as mine'
        ~ ' on mine.attrelid = key.conrelid and mine.attnum = key.conkey[1]'
        ~ ' inner join pg_attribute as theirs'
        ~ ' on theirs.attrelid = key.confrelid and theirs.attnum = key.confkey[1]'
        ~ " where key.contype = 'f' and cardinality(key.conkey) = 1 and key.conrelid = '"
        ~ legacy_relation(system, table) ~ "'::regclass and parent.relnamespace = ("
        ~ "select relnamespace from pg_class where oid = key.conrelid) order by 1"
    ).rows -%}
    {%- for row in rows if row[1] in var('legacy_keys')[system] -%}
        {%- do found.append({
            'column': row[0], 'parent': row[1], 'parent_column': row[2], 'nullable': row[3],
        }) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
