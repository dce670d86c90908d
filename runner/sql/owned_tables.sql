-- Those of the tables that the connected role may alter.
select c.relname
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = %(schema)s
    and c.relname = any(%(tables)s)
    and c.relkind in ('r', 'p')
    and pg_catalog.pg_has_role(c.relowner, 'usage')
