-- The sequence of each legacy column that counts up by itself, and the one that its view uses,
-- by a function.
select
    used_space.nspname as used_schema,
    used.relname as used_name,
    own_space.nspname as own_schema,
    own.relname as own_name
from pg_catalog.pg_class as legacy
inner join pg_catalog.pg_namespace as n on n.oid = legacy.relnamespace and n.nspname = %(archive)s
inner join pg_catalog.pg_attribute as a on a.attrelid = legacy.oid and a.attnum > 0
inner join pg_catalog.pg_depend as owned
    on
        owned.refclassid = 'pg_catalog.pg_class'::regclass
        and owned.refobjid = legacy.oid
        and owned.refobjsubid = a.attnum
        and owned.classid = 'pg_catalog.pg_class'::regclass
        and owned.deptype in ('a', 'i')
inner join pg_catalog.pg_class as own on own.oid = owned.objid and own.relkind = 'S'
inner join pg_catalog.pg_namespace as own_space on own_space.oid = own.relnamespace
inner join pg_catalog.pg_attribute as shown
    on
        shown.attrelid = to_regclass(format('%%I.%%I', %(legacy)s::text, legacy.relname))
        and shown.attname = a.attname
inner join pg_catalog.pg_attrdef as d
    on d.adrelid = shown.attrelid and d.adnum = shown.attnum
inner join pg_catalog.pg_depend as calls
    on
        calls.classid = 'pg_catalog.pg_attrdef'::regclass
        and calls.objid = d.oid
        and calls.refclassid = 'pg_catalog.pg_proc'::regclass
inner join pg_catalog.pg_depend as reads
    on
        reads.classid = calls.refclassid
        and reads.objid = calls.refobjid
        and reads.refclassid = 'pg_catalog.pg_class'::regclass
inner join pg_catalog.pg_class as used on used.oid = reads.refobjid and used.relkind = 'S'
inner join pg_catalog.pg_namespace as used_space on used_space.oid = used.relnamespace
where legacy.relname = any(%(tables)s) and used.oid <> own.oid
