select
    p.gid,
    p.owner,
    pg_catalog.quote_literal(p.gid) as quoted
from pg_catalog.pg_prepared_xacts as p
where p.database = pg_catalog.current_database()
order by p.prepared
