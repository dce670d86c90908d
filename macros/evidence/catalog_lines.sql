{#
    The catalog of some schemas in lines, one an object: name and definition. Two
    states of a database are the same when their lines are. Names, columns, types,
    defaults, constraints, indexes, views, functions, triggers, policies, comments,
    owners, grants; of tables and sequences the OID too (an index or a constraint
    may be built anew, a table never is), and where each sequence stands. What a partition
    has from its table is said once.

    schemas  SQL expression of an array of schema names
#}
{% macro catalog_lines(schemas) -%}
    {{ target_dispatch('catalog_lines')(schemas) }}
{%- endmacro %}

{% macro postgres__catalog_lines(schemas) -%}
with spaces as (
    select
        oid,
        nspname,
        nspowner,
        nspacl
    from pg_namespace
    where nspname = any({{ schemas }})
),

relations as (
    select
        class.oid,
        class.relkind,
        class.relowner,
        class.relacl,
        class.reloptions,
        class.relpersistence,
        class.relrowsecurity,
        class.relforcerowsecurity,
        class.relispartition,
        class.relpartbound,
        format('%I.%I', spaces.nspname, class.relname) as name
    from pg_class as class
    inner join spaces on class.relnamespace = spaces.oid
    where class.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
)

select
    'schema ' || nspname as object,
    concat_ws(' ', pg_get_userbyid(nspowner), nspacl::text) as definition
from spaces
union all
select
    case relkind when 'S' then 'sequence ' when 'v' then 'view ' else 'table ' end
    || name,
    concat_ws(
        ' ', relkind, pg_get_userbyid(relowner), relacl::text, reloptions::text,
        relpersistence, relrowsecurity, relforcerowsecurity,
        case when relkind in ('v', 'm') then pg_get_viewdef(oid) end,
        case when relkind = 'p' then pg_get_partkeydef(oid) end,
        pg_get_expr(relpartbound, oid),
        quote_literal(obj_description(oid, 'pg_class'))
    )
from relations
union all
select
    'oid ' || name,
    oid::text
from relations
where relkind in ('r', 'p', 'S')
union all
select
    'column ' || relations.name || '.' || attribute.attname,
    concat_ws(
        ' ', attribute.attnum, format_type(attribute.atttypid, attribute.atttypmod),
        attribute.attnotnull, attribute.attidentity, attribute.attgenerated,
        attribute.attcollation, attribute.attacl::text,
        pg_get_expr(standard.adbin, standard.adrelid),
        quote_literal(col_description(relations.oid, attribute.attnum))
    )
from relations
inner join pg_attribute as attribute on relations.oid = attribute.attrelid
left join pg_attrdef as standard
    on
        attribute.attrelid = standard.adrelid
        and attribute.attnum = standard.adnum
where
    attribute.attnum > 0
    and not attribute.attisdropped
    and not (relations.relispartition and attribute.attinhcount > 0)
union all
select
    'constraint ' || relations.name || '.' || con.conname,
    concat_ws(' ', con.contype, con.convalidated, pg_get_constraintdef(con.oid))
from relations
inner join pg_constraint as con on relations.oid = con.conrelid
where not (relations.relispartition and (con.coninhcount > 0 or con.conparentid <> 0))
union all
select
    'index ' || indexed.indexrelid::regclass::text,
    concat_ws(' ', indexed.indisvalid, pg_get_indexdef(indexed.indexrelid))
from relations
inner join pg_index as indexed on relations.oid = indexed.indrelid
inner join pg_class as own on indexed.indexrelid = own.oid
where not own.relispartition
union all
select
    'trigger ' || relations.name || '.' || trig.tgname,
    concat_ws(' ', trig.tgenabled, pg_get_triggerdef(trig.oid))
from relations
inner join pg_trigger as trig on relations.oid = trig.tgrelid
where not trig.tgisinternal and trig.tgparentid = 0
union all
select
    'policy ' || relations.name || '.' || pol.polname,
    concat_ws(
        ' ', pol.polcmd, pol.polpermissive, pol.polroles::text,
        pg_get_expr(pol.polqual, pol.polrelid),
        pg_get_expr(pol.polwithcheck, pol.polrelid)
    )
from relations
inner join pg_policy as pol on relations.oid = pol.polrelid
union all
select
    'sequence ' || relations.name || ' parameters',
    concat_ws(
        ' ', params.seqtypid::regtype, params.seqstart, params.seqincrement,
        params.seqmin, params.seqmax, params.seqcache, params.seqcycle
    )
from relations
inner join pg_sequence as params on relations.oid = params.seqrelid
union all
select
    'sequence ' || name || ' position',
    coalesce(pg_sequence_last_value(oid)::text, '-')
from relations
where relkind = 'S'
union all
select
    'function ' || proc.oid::regprocedure::text,
    concat_ws(
        ' ', pg_get_userbyid(proc.proowner), proc.proacl::text,
        case when proc.prokind in ('f', 'p') then pg_get_functiondef(proc.oid) end
    )
from pg_proc as proc
inner join spaces on proc.pronamespace = spaces.oid
union all
select
    'type ' || format('%I.%I', spaces.nspname, typ.typname),
    concat_ws(
        ' ', typ.typtype, pg_get_userbyid(typ.typowner), typ.typacl::text,
        (
            select string_agg(label.enumlabel, ',' order by label.enumsortorder)
            from pg_enum as label
            where label.enumtypid = typ.oid
        )
    )
from pg_type as typ
inner join spaces on typ.typnamespace = spaces.oid
where typ.typtype in ('e', 'd', 'r')
{%- endmacro %}

{% macro duckdb__catalog_lines(schemas) -%}
select
    'table ' || schema_name || '.' || table_name as object,
    concat_ws(' ', table_oid, comment) as definition
from duckdb_tables()
where schema_name in (select unnest({{ schemas }}))
union all
select
    'column ' || schema_name || '.' || table_name || '.' || column_name,
    concat_ws(' ', column_index, data_type, is_nullable, column_default, comment)
from duckdb_columns()
where
    schema_name in (select unnest({{ schemas }}))
    and table_name in (select table_name from duckdb_tables())
union all
select
    'constraint ' || schema_name || '.' || table_name,
    constraint_text
from duckdb_constraints()
where schema_name in (select unnest({{ schemas }}))
union all
select
    'index ' || schema_name || '.' || index_name,
    sql
from duckdb_indexes()
where schema_name in (select unnest({{ schemas }}))
union all
select
    'sequence ' || schema_name || '.' || sequence_name || ' position',
    coalesce(last_value::varchar, '-')
from duckdb_sequences()
where schema_name in (select unnest({{ schemas }}))
{%- endmacro %}

{% macro _function_catalog_lines() -%}
create or replace function traspaso.catalog_lines(schemas text[])
returns table (object text, definition text)
language sql stable set search_path = pg_catalog as $body$
{{ catalog_lines('schemas') }}
$body$;
{%- endmacro %}
