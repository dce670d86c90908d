-- The partitions of these tables, and how the catalog lines name them.
select
    space.nspname,
    part.relname,
    format('table %%I.%%I', space.nspname, part.relname)
from pg_catalog.pg_class as whole
inner join pg_catalog.pg_namespace as home on home.oid = whole.relnamespace
inner join pg_catalog.pg_inherits as i on i.inhparent = whole.oid
inner join pg_catalog.pg_class as part on part.oid = i.inhrelid
inner join pg_catalog.pg_namespace as space on space.oid = part.relnamespace
where
    home.nspname = %(schema)s
    and whole.relname = any(%(tables)s)
    and whole.relkind = 'p'
order by part.relname
