-- generated is empty where the column holds a value of its own.
select
    a.attname as name,
    pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
    a.attgenerated <> '' as generated,
    coalesce(a.attnum = any(i.indkey), false) as in_primary_key
from pg_catalog.pg_attribute as a
inner join pg_catalog.pg_class as c on c.oid = a.attrelid
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_index as i on i.indrelid = c.oid and i.indisprimary
where n.nspname = %(schema)s
    and c.relname = %(table)s
    and c.relkind = 'r'
    and a.attnum > 0
    and not a.attisdropped
order by a.attnum
