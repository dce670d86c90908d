-- Partitions of a table that have a foreign key of this name of their own.
select
    space.nspname,
    part.relname
from pg_catalog.pg_partition_tree(%(table)s) as tree
inner join pg_catalog.pg_class as part on part.oid = tree.relid
inner join pg_catalog.pg_namespace as space on space.oid = part.relnamespace
inner join pg_catalog.pg_constraint as con on con.conrelid = part.oid
where
    tree.isleaf
    and con.contype = 'f'
    and con.conname = %(name)s
    and con.conparentid = 0
order by part.relname
