{#
    Before rows go: deletes the rows of other tables that hold them by a foreign key
    without an action on delete, and first those that hold these. They are judged anew when
    their own table is loaded, by then without their parent.

    relation  the table
    gone      FROM and WHERE of its rows that go
    above     the tables whose rows go with these: a circle of foreign keys ends
#}
{% macro release_children(relation, gone, above=[]) -%}
    {{ return(target_dispatch('release_children')(relation, gone, above)) }}
{%- endmacro %}

{% macro default__release_children(relation, gone, above) -%}{%- endmacro %}

{% macro postgres__release_children(relation, gone, above) -%}
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
    {%- for child in children.rows if child[0] not in above -%}
        {%- set held = 'from ' ~ child[0] ~ ' where (' ~ child[1] ~ ') in (select '
            ~ child[2] ~ ' ' ~ gone ~ ')' -%}
        {%- do release_children(child[0], held, above + [child[0]]) -%}
        {%- do load_step('delete ' ~ held) -%}
    {%- endfor -%}
{%- endmacro %}
