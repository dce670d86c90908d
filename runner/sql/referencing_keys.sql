-- Foreign keys of other tables that point to this one, column by column.
select
    k.conname as name,
    rn.nspname as schema,
    r.relname as table,
    array_agg(ra.attname::text order by u.place) as columns,
    array_agg(ca.attname::text order by u.place) as referenced
from pg_catalog.pg_constraint as k
inner join pg_catalog.pg_class as c on c.oid = k.confrelid
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
inner join pg_catalog.pg_class as r on r.oid = k.conrelid
inner join pg_catalog.pg_namespace as rn on rn.oid = r.relnamespace
cross join unnest(k.conkey, k.confkey) with ordinality as u (own, other, place)
inner join pg_catalog.pg_attribute as ra on ra.attrelid = k.conrelid and ra.attnum = u.own
inner join pg_catalog.pg_attribute as ca on ca.attrelid = k.confrelid and ca.attnum = u.other
where k.contype = 'f'
    and k.conparentid = 0
    and k.conrelid <> k.confrelid
    and n.nspname = %(schema)s
    and c.relname = %(table)s
group by k.conname, rn.nspname, r.relname
order by rn.nspname, r.relname, k.conname
