-- The foreign keys between the tables in a schema that are checked at once.
select
    c.relname as name,
    k.conname as key
from pg_catalog.pg_constraint as k
inner join pg_catalog.pg_class as c on c.oid = k.conrelid
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = %(schema)s and c.relname = any(%(tables)s) and k.contype = 'f'
    and not k.condeferrable
order by 1, 2
