-- Of each expected legacy table: its primary key, its triggers, whether rows are hidden from us.
select
    c.relname as relation,
    exists (
        select 1
        from pg_catalog.pg_index as i
        where i.indrelid = c.oid and i.indisprimary
    ) as has_primary_key,
    array(
        select t.tgname::text
        from pg_catalog.pg_trigger as t
        where t.tgrelid = c.oid and not t.tgisinternal
        order by t.tgname
    ) as triggers,
    pg_catalog.row_security_active(c.oid) as hides_rows
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = %(schema)s
    and c.relkind in ('r', 'p')
    and c.relname = any(%(tables)s)
order by c.relname
