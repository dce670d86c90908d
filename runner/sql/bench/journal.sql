-- When the last run began, and from when to when each phase, its loads and its tables took.
select
    step.phase,
    step.step,
    step.started_at,
    step.finished_at,
    run.started_at as run_started_at
from traspaso.steps as step
inner join traspaso.runs as run on step.run_id = run.run_id
where step.phase in (2, 3)
order by step.phase, step.started_at
