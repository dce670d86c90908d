-- Relations of the target schema under the names that the Spanish tables and their indexes get.
-- `belongs_to` is the table of an index.
select
    c.relname as name,
    case c.relkind
        when 'r' then 'a table'
        when 'p' then 'a table'
        when 'f' then 'a foreign table'
        when 'v' then 'a view'
        when 'm' then 'a materialized view'
        when 'i' then 'an index'
        when 'I' then 'an index'
        when 'S' then 'a sequence'
        else 'a type'
    end as kind,
    t.relname as belongs_to
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_index as i on i.indexrelid = c.oid
left join pg_catalog.pg_class as t on t.oid = i.indrelid
where n.nspname = %(schema)s
    and c.relname = any(%(names)s)
order by c.relname
