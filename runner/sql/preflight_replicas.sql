-- Replicas that read from this server; how far behind they are may be hidden from this role.
select
    r.application_name as name,
    host(r.client_addr) as address,
    r.state,
    extract(epoch from r.replay_lag)::double precision as seconds,
    pg_catalog.pg_wal_lsn_diff(
        case when not pg_catalog.pg_is_in_recovery() then pg_catalog.pg_current_wal_lsn() end,
        r.replay_lsn
    )::bigint as bytes
from pg_catalog.pg_stat_replication as r
order by r.pid
