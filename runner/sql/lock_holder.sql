-- A role that may not see other roles' sessions gets nulls beside the pid.
select
    l.pid,
    a.usename,
    a.application_name,
    host(a.client_addr) as client,
    a.backend_start
from pg_catalog.pg_locks as l
left join pg_catalog.pg_stat_activity as a on a.pid = l.pid
where l.locktype = 'advisory'
    and l.granted
    and l.objsubid = 1
    and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
    and ((l.classid::bigint << 32) | l.objid::bigint) = %(key)s
