select e.extname, n.nspname, e.extversion
from pg_catalog.pg_extension as e
inner join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
where e.extname <> 'plpgsql'
order by e.oid
