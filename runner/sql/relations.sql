select
    space.nspname,
    class.relname
from pg_catalog.pg_class as class
inner join pg_catalog.pg_namespace as space on class.relnamespace = space.oid
where space.nspname = any(%(schemas)s) and class.relkind = any(%(kinds)s::"char"[])
order by space.nspname, class.relname
