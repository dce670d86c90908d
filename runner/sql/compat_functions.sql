-- The functions in a schema, as DROP FUNCTION names them.
select p.oid::regprocedure::text as name
from pg_catalog.pg_proc as p
inner join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
where n.nspname = %(schema)s
order by 1
