-- Fails where the server does not know the time zone.
select pg_catalog.timezone(%(timezone)s, pg_catalog.now()) as local_time
