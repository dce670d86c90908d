-- Other sessions in a transaction since long; a role that may not see them sees none.
select
    a.pid,
    a.usename,
    a.application_name,
    extract(epoch from pg_catalog.clock_timestamp() - a.xact_start)::double precision as seconds
from pg_catalog.pg_stat_activity as a
where a.datname = pg_catalog.current_database()
    and a.pid <> pg_catalog.pg_backend_pid()
    and a.backend_type = 'client backend'
    and a.xact_start < pg_catalog.clock_timestamp() - %(older_than)s::interval
order by a.xact_start
