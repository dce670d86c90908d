-- last_value is null as long as nobody has drawn a number.
select s.schemaname, s.sequencename, s.last_value, s.increment_by
from pg_catalog.pg_sequences as s
where s.schemaname = any(%(schemas)s)
order by s.schemaname, s.sequencename
