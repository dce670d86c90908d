{#
    Before rows go: deletes the rows of other tables that hold them by a foreign key
    without an action on delete. They are judged anew when their own table is loaded,
    by then without their parent.

    relation  the table
    gone      FROM and WHERE of its rows that go
#}
{% macro release_children(relation, gone) -%}
    {{ return(target_dispatch('release_children')(relation, gone)) }}
{%- endmacro %}

{% macro default__release_children(relation, gone) -%}{%- endmacro %}

{% macro postgres__release_children(relation, gone) -%}
    {%- set children = load_step(
        "select fk.conrelid::regclass::text as child,"
        ~ " (select string_agg(quote_ident(a.attname), ', ' order by k.n)"
        ~ " from unnest(fk.conkey) with ordinality as k (attnum, n)"
        ~ " inner join pg_attribute as a"
        ~ " on a.attrelid = fk.conrelid and a.attnum = k.attnum) as columns,"
        ~ " (select string_agg(quote_ident(a.attname), ', ' order by k.n)"
        ~ " from unnest(fk.confkey) with ordinality as k (attnum, n)"
        ~ " inner join pg_attribute as a"
        ~ " on a.attrelid = fk.confrelid and a.attnum = k.attnum) as parent_columns"
        ~ " from pg_constraint as fk where fk.contype = 'f' and fk.conparentid = 0"
        ~ " and fk.confrelid = '" ~ relation ~ "'::regclass"
        ~ " and fk.confdeltype in ('a', 'r') order by fk.conname"
    ) -%}
    {%- for child in children.rows -%}
        {%- do load_step(
            'delete from ' ~ child[0] ~ ' where (' ~ child[1] ~ ') in (select '
            ~ child[2] ~ ' ' ~ gone ~ ')'
        ) -%}
    {%- endfor -%}
{%- endmacro %}
