-- How each legacy table is to be captured, and whether it is: all triggers are there, fire, and
-- have that form, and none of a former version is left.
--
-- by_row      a statement on a parent fires the parent's triggers only, and the partition's or the
--             child's for each row
-- any_column  another trigger may change a key that the UPDATE does not name
select
    c.relname,
    form.by_row,
    form.any_column,
    coalesce(
        (
            select
                count(*) = cardinality(%(triggers)s::text[])
                and bool_and(
                    t.tgname = any(%(triggers)s::text[])
                    and t.tgenabled = 'O'
                    and (
                        t.tgname <> all(%(by_level)s::text[])
                        or (t.tgtype & 1 = 1) = form.by_row
                    )
                    and (
                        t.tgname <> %(by_column)s::text
                        or not form.any_column
                        or cardinality(t.tgattr::smallint[]) = 0
                    )
                )
            from pg_catalog.pg_trigger as t
            where t.tgrelid = c.oid and starts_with(t.tgname::text, %(prefix)s)
        ),
        false
    ) as captured
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
cross join lateral (
    select
        c.relkind = 'p' or exists (
            select 1
            from pg_catalog.pg_inherits as i
            where i.inhrelid = c.oid
        ) as by_row,
        c.relkind = 'p' or exists (
            -- Before, for each row, on an update: bits 1, 0 and 4.
            select 1
            from pg_catalog.pg_trigger as t
            where
                t.tgrelid = c.oid
                and not t.tgisinternal
                and t.tgtype & 19 = 19
        ) as any_column
) as form
where n.nspname = %(schema)s and c.relname = any(%(tables)s)
