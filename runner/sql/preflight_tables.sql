-- Of each expected legacy table: its primary key, its triggers and rules, whether rows are hidden
-- from us, whether logical replication can tell its rows apart.
select
    c.relname as relation,
    array(
        select a.attname::text
        from pg_catalog.pg_index as i
        inner join pg_catalog.pg_attribute as a
            on a.attrelid = c.oid and a.attnum = any(i.indkey::smallint[])
        where i.indrelid = c.oid and i.indisprimary
        order by a.attname
    ) as primary_key,
    array(
        select t.tgname::text
        from pg_catalog.pg_trigger as t
        where t.tgrelid = c.oid and not t.tgisinternal
        order by t.tgname
    ) as triggers,
    array(
        select r.rulename::text
        from pg_catalog.pg_rewrite as r
        where r.ev_class = c.oid and r.rulename <> '_RETURN'
        order by r.rulename
    ) as rules,
    pg_catalog.row_security_active(c.oid) as hides_rows,
    c.relreplident in ('f', 'i')
    or (
        c.relreplident = 'd'
        and exists (
            select 1
            from pg_catalog.pg_index as i
            where i.indrelid = c.oid and i.indisprimary
        )
    ) as has_identity
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = %(schema)s
    and c.relkind in ('r', 'p')
    and c.relname = any(%(tables)s)
order by c.relname
