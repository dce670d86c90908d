-- Foreign keys of these tables that hold for new rows only.
select
    n.nspname,
    c.relname,
    f.conname
from pg_catalog.pg_constraint as f
inner join pg_catalog.pg_class as c on c.oid = f.conrelid
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where f.contype = 'f'
    and not f.convalidated
    and n.nspname = %(schema)s
    and c.relname = any(%(tables)s)
order by c.relname, f.conname
