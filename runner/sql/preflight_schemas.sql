select n.nspname
from pg_catalog.pg_namespace as n
where n.nspname = any(%(schemas)s)
