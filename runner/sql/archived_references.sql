-- The foreign keys of one column between the tables in a schema.
select
    c.relname as name,
    a.attname as column_name,
    parent.relname as parent,
    theirs.attname as parent_column,
    not a.attnotnull as nullable
from pg_catalog.pg_constraint as k
inner join pg_catalog.pg_class as c on c.oid = k.conrelid
inner join pg_catalog.pg_class as parent on parent.oid = k.confrelid
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace and n.oid = parent.relnamespace
inner join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = k.conkey[1]
inner join pg_catalog.pg_attribute as theirs
    on theirs.attrelid = parent.oid and theirs.attnum = k.confkey[1]
where n.nspname = %(schema)s and c.relname = any(%(tables)s) and k.contype = 'f'
    and cardinality(k.conkey) = 1
order by 1, 2
