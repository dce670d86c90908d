-- Replication slots that nobody reads: the server keeps all WAL for them.
select
    s.slot_name as name,
    pg_catalog.quote_literal(s.slot_name) as quoted,
    pg_catalog.pg_wal_lsn_diff(
        case when not pg_catalog.pg_is_in_recovery() then pg_catalog.pg_current_wal_lsn() end,
        s.restart_lsn
    )::bigint as bytes
from pg_catalog.pg_replication_slots as s
where not s.active and s.restart_lsn is not null
order by s.slot_name
