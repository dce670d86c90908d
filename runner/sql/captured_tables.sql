-- The legacy tables on which both triggers of the change capture are, and fire.
select c.relname
from pg_catalog.pg_trigger as t
inner join pg_catalog.pg_class as c on c.oid = t.tgrelid
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = %(schema)s
    and c.relname = any(%(tables)s)
    and t.tgname = any(%(triggers)s)
    and t.tgenabled = 'O'
group by c.relname
having count(*) = cardinality(%(triggers)s)
