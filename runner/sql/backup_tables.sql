-- Tables that a dump of these schemas holds; those of an extension come with the extension.
select n.nspname, c.relname
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s)
    and c.relkind in ('r', 'p')
    and not exists (
        select 1
        from pg_catalog.pg_depend as d
        where d.classid = 'pg_catalog.pg_class'::regclass
            and d.objid = c.oid
            and d.deptype = 'e'
    )
order by n.nspname, c.relname
