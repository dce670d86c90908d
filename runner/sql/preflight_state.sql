-- Whether the steps of earlier runs are there, and may be read; by the catalog, which refuses
-- nobody.
select pg_catalog.has_table_privilege(c.oid, 'select')
    and pg_catalog.has_schema_privilege(n.oid, 'usage') as is_readable
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = 'traspaso' and c.relname = 'steps'
