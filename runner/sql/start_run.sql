-- Whoever holds the operator's lock is alone: a run that still says running was killed.
with killed as (
    update traspaso.runs
    set status = 'interrupted', finished_at = clock_timestamp()
    where system = %(system)s and status = 'running'
)

insert into traspaso.runs (run_id, system, command, host, pid, backend_start, detail)
select
    %(run_id)s, %(system)s, %(command)s, %(host)s, %(pid)s, a.backend_start, %(detail)s
from pg_catalog.pg_stat_activity as a
where a.pid = pg_backend_pid()
