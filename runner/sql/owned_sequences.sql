-- The sequences that columns of these tables own, as the catalog lines name them.
select format('%%I.%%I', space.nspname, sequence.relname)
from pg_catalog.pg_class as sequence
inner join pg_catalog.pg_namespace as space on sequence.relnamespace = space.oid
inner join pg_catalog.pg_depend as owned
    on
        sequence.oid = owned.objid
        and owned.classid = 'pg_catalog.pg_class'::regclass
        and owned.deptype in ('a', 'i')
inner join pg_catalog.pg_class as owner on owned.refobjid = owner.oid
where
    sequence.relkind = 'S'
    and space.nspname = %(schema)s
    and owner.relname = any(%(tables)s)
