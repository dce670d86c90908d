-- Temporary tables of ours that a crash of the server left: their sessions are gone. The server
-- removes them some time; until then they take space.
select
    n.nspname,
    c.relname
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.relpersistence = 't'
    and c.relkind = 'r'
    and n.oid <> pg_catalog.pg_my_temp_schema()
    and pg_catalog.pg_has_role(c.relowner, 'usage')
    and (
        regexp_replace(c.relname, '__[a-z_]+$', '') = any(%(tables)s)
        or c.relname like %(snapshots)s
    )
