-- `session_timezone` is what a session of this role starts with, before it sets its own.
select
    pg_catalog.current_setting('server_encoding') as encoding,
    pg_catalog.pg_is_in_recovery() as is_replica,
    (
        select s.reset_val
        from pg_catalog.pg_settings as s
        where s.name = 'TimeZone'
    ) as session_timezone
