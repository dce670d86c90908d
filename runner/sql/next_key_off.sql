-- The next key to build of tables whose rows are all there: the largest table first, for its keys
-- take longest, and what must be unique before the rest.
select
    k.table_name,
    k.position,
    k.statement
from traspaso.keys_off as k
where
    k.table_name = any(%(tables)s)
    and (k.table_name, k.position) not in (
        select
            t.table_name,
            t.position
        from unnest(%(tried_tables)s::text[], %(tried_positions)s::integer[])
            as t (table_name, position)
    )
order by
    pg_catalog.pg_relation_size(pg_catalog.to_regclass(k.table_name)) desc nulls last,
    k.is_unique desc,
    k.position asc
limit 1
