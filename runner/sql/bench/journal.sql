-- How long each table's load took, in the order in which they began.
select
    step,
    extract(epoch from finished_at - started_at) as seconds
from traspaso.steps
where phase in (2, 3) and step <> 'phase'
order by phase, started_at
