-- Options of CREATE DATABASE that differ between versions are read through the row as JSON.
select
    pg_catalog.pg_encoding_to_char(d.encoding) as encoding,
    d.datcollate as lc_collate,
    d.datctype as lc_ctype,
    to_jsonb(d) ->> 'datlocprovider' as provider,
    coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') as locale
from pg_catalog.pg_database as d
where d.datname = current_database()
