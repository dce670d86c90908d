-- What the legacy schema holds: one row a column, one with a null column for a relation without.
select
    c.relname as relation,
    c.relkind::text as kind,
    a.attname as column,
    pg_catalog.format_type(a.atttypid, a.atttypmod) as type
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_attribute as a
    on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where n.nspname = %(schema)s
    and c.relkind in ('r', 'p', 'f', 'v', 'm')
    -- a partition is a part of its table
    and not c.relispartition
    -- what an extension brought is nobody's data
    and not exists (
        select 1
        from pg_catalog.pg_depend as d
        where d.classid = 'pg_catalog.pg_class'::regclass
            and d.objid = c.oid
            and d.deptype = 'e'
    )
order by c.relname, a.attnum
