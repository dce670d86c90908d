-- The compat views that stand for these legacy tables.
select c.relname
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
where n.nspname = %(schema)s and c.relname = any(%(tables)s) and c.relkind = 'v'
