-- Bytes of the database, and of the tables that a backup holds, without their indexes. Of a table
-- that somebody locks the last known size is taken: to measure it would be to wait.
-- `directory` is where the database is stored, null where this role may not know.
select
    -- of the server itself: a pooler invents the one that the client is told
    pg_catalog.pg_backend_pid() as pid,
    pg_catalog.pg_database_size(d.oid) as database_bytes,
    coalesce(nullif(pg_catalog.pg_tablespace_location(d.dattablespace), ''), (
        select s.setting
        from pg_catalog.pg_settings as s
        where s.name = 'data_directory'
    )) as directory,
    (
        select coalesce(sum(
            case
                when l.relation is null then pg_catalog.pg_table_size(c.oid)
                else c.relpages::bigint
                    * pg_catalog.current_setting('block_size')::bigint
            end
        ), 0)::bigint
        from pg_catalog.pg_class as c
        inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        left join (
            select distinct k.relation
            from pg_catalog.pg_locks as k
            where k.mode = 'AccessExclusiveLock' and k.locktype = 'relation'
                and k.database = (
                    select b.oid
                    from pg_catalog.pg_database as b
                    where b.datname = pg_catalog.current_database()
                )
        ) as l on l.relation = c.oid
        where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'm')
    ) as backup_bytes
from pg_catalog.pg_database as d
where d.datname = pg_catalog.current_database()
