-- The columns of a table that can be written, in their order.
select a.attname
from pg_catalog.pg_attribute as a
where
    a.attrelid = to_regclass(format('%%I.%%I', %(schema)s::text, %(table)s::text))
    and a.attnum > 0
    and not a.attisdropped
    and a.attgenerated = ''
order by a.attnum
