-- The triggers of the tables in a schema that fire on a write, and how they are enabled.
select
    c.relname as name,
    t.tgname as trigger,
    case t.tgenabled
        when 'A' then 'enable always trigger'
        when 'R' then 'enable replica trigger'
        else 'enable trigger'
    end as enable
from pg_catalog.pg_trigger as t
inner join pg_catalog.pg_class as c on c.oid = t.tgrelid
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = %(schema)s and c.relname = any(%(tables)s) and not t.tgisinternal
    and t.tgenabled <> 'D'
order by 1, 2
