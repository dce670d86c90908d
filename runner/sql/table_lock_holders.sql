-- Sessions that hold a lock our statements wait for. Where the legacy tables are only read, only the
-- strongest lock keeps us out. What is altered, any lock does.
select
    l.pid,
    a.usename,
    a.application_name,
    host(a.client_addr) as client,
    a.xact_start,
    array_agg(distinct n.nspname || '.' || c.relname)::text[] as relations
from pg_catalog.pg_locks as l
inner join pg_catalog.pg_class as c on c.oid = l.relation
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_stat_activity as a on a.pid = l.pid
where l.locktype = 'relation'
    and l.granted
    and l.pid <> pg_backend_pid()
    and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
    and (
        (
            n.nspname = %(legacy_schema)s
            and c.relname = any(%(legacy_tables)s)
            and (l.mode = 'AccessExclusiveLock' or %(alters_legacy)s)
        )
        or (n.nspname = %(target_schema)s and c.relname = any(%(target_tables)s))
        or n.nspname = any(%(own_schemas)s)
    )
group by l.pid, a.usename, a.application_name, a.client_addr, a.xact_start
order by a.xact_start
