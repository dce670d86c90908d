-- By the catalog: to_regclass refuses a role that may not use the schema.
select exists (
    select 1
    from pg_catalog.pg_class as c
    inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'traspaso' and c.relname = 'row_fates'
)
