{#
    Takes the keys and indexes off an empty table, the foreign keys of others that
    refer to it included, and returns the statements that put the same ones back, as a
    dict of two lists: the `unique` keys, and the `rest` that comes after them. Foreign
    keys come back NOT VALID, see validate_foreign_keys; those of a partitioned table cannot
    before PostgreSQL 18.
#}
{% macro take_keys_off(relation) -%}
    {%- set table = "'" ~ relation ~ "'::regclass" -%}
    {%- set constraints = load_step(
        "select conrelid::regclass::text, quote_ident(conname),"
        ~ " pg_get_constraintdef(oid), contype = 'f' as is_foreign,"
        ~ " exists (select from pg_partitioned_table where partrelid = conrelid)"
        ~ " from pg_constraint"
        ~ " where contype in ('p', 'u', 'f', 'x')"
        ~ " and (conrelid = " ~ table ~ " or confrelid = " ~ table ~ ")"
        ~ " and conparentid = 0"
        ~ " order by is_foreign, oid"
    ) -%}
    {%- set indexes = load_step(
        "select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index"
        ~ " where indrelid = " ~ table ~ " and not exists (select from pg_constraint"
        ~ " where conindid = indexrelid and conrelid = indrelid) order by indexrelid"
    ) -%}
    {%- set unique = [] -%}
    {%- set restore = [] -%}
    {%- set drops = [] -%}
    {%- for row in constraints.rows | reverse -%}
        {%- do drops.append('alter table ' ~ row[0] ~ ' drop constraint ' ~ row[1]) -%}
    {%- endfor -%}
    {%- for row in indexes.rows -%}
        {%- do drops.append('drop index ' ~ row[0]) -%}
    {%- endfor -%}
    {%- do load_steps(drops) -%}
    {%- for row in constraints.rows if not row[3] -%}
        {%- do unique.append(
            'alter table ' ~ row[0] ~ ' add constraint ' ~ row[1] ~ ' ' ~ row[2]
        ) -%}
    {%- endfor -%}
    {%- for row in indexes.rows -%}
        {#- an index of a partitioned table, and those of its partitions -#}
        {%- do restore.append(row[1] | replace(' ON ONLY ', ' ON ', 1)) -%}
    {%- endfor -%}
    {%- for row in constraints.rows if row[3] -%}
        {%- do restore.append(
            'alter table ' ~ row[0] ~ ' add constraint ' ~ row[1] ~ ' '
            ~ row[2] | replace(' NOT VALID', '') ~ ('' if row[4] else ' not valid')
        ) -%}
    {%- endfor -%}
    {{ return({'unique': unique, 'rest': restore}) }}
{%- endmacro %}
