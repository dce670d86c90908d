-- Keys and indexes of tables: how to drop each one and how to make the same one again, in this
-- order: indexes, which sessions can build side by side, then keys, then foreign keys.
select
    relation.relname as table_name,
    case con.contype when 'f' then 2 else 1 end as rank,
    format('alter table %%s drop constraint %%I', relation.oid::regclass, con.conname) as drop_it,
    format(
        'alter table %%s add constraint %%I %%s',
        relation.oid::regclass, con.conname, pg_get_constraintdef(con.oid)
    ) as make_it
from pg_constraint as con
inner join pg_class as relation on con.conrelid = relation.oid
where con.contype in ('p', 'u', 'f') and relation.oid = any(%(tables)s::regclass[])
union all
select
    relation.relname,
    0,
    format('drop index %%s', indexed.indexrelid::regclass),
    pg_get_indexdef(indexed.indexrelid)
from pg_index as indexed
inner join pg_class as relation on indexed.indrelid = relation.oid
where
    relation.oid = any(%(tables)s::regclass[])
    and not exists (
        select from pg_constraint
        where conindid = indexed.indexrelid and conrelid = indexed.indrelid
    )
order by rank, make_it
