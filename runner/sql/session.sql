-- Settings the server does not know (they came with later versions) are left out.
select pg_catalog.set_config(s.name, s.value, false)
from unnest(%(names)s::text[], %(values)s::text[]) as s (name, value)
where exists (
    select 1
    from pg_catalog.pg_settings as p
    where lower(p.name) = lower(s.name)
)
-- Only Windows servers cannot watch a client's socket.
and not (s.name = 'client_connection_check_interval' and pg_catalog.version() ~* 'mingw|visual')
