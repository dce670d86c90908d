select
    e.evtname as name,
    e.evtevent as event
from pg_catalog.pg_event_trigger as e
where e.evtenabled not in ('D', 'R')
order by e.evtname
