-- For the load, which waits for it before it looks what is written down (await_early_keys).
select pg_catalog.pg_advisory_xact_lock(
    pg_catalog.hashtextextended('traspaso key of ' || %(table)s, 0)
)
