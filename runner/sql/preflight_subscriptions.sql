-- Subscriptions that write to legacy tables.
select
    s.subname as name,
    pg_catalog.array_agg(c.relname::text order by c.relname) as tables
from pg_catalog.pg_subscription_rel as r
inner join pg_catalog.pg_subscription as s on s.oid = r.srsubid
inner join pg_catalog.pg_class as c on c.oid = r.srrelid
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = %(schema)s and c.relname = any(%(tables)s)
group by s.subname
order by s.subname
