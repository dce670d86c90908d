-- Those that fire now; not those of foreign keys.
select t.tgname as name, t.tgenabled::text as mode
from pg_catalog.pg_trigger as t
inner join pg_catalog.pg_class as c on c.oid = t.tgrelid
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = %(schema)s
    and c.relname = %(table)s
    and not t.tgisinternal
    and t.tgenabled <> 'D'
order by t.tgname
