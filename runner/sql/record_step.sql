insert into traspaso.steps as s (
    system, phase, step, run_id, status, finished_at, rows, detail
)
values (
    %(system)s, %(phase)s, %(step)s, %(run_id)s, %(status)s,
    case when %(status)s <> 'running' then clock_timestamp() end, %(rows)s, %(detail)s
)
on conflict (system, phase, step) do update set
    run_id = excluded.run_id,
    status = excluded.status,
    -- A step that is started again begins again; one that ends keeps its beginning.
    started_at = case
        when excluded.status = 'running' or s.run_id <> excluded.run_id then excluded.started_at
        else s.started_at
    end,
    finished_at = excluded.finished_at,
    rows = excluded.rows,
    -- What a phase left when it was completed is what a rollback to it comes back to.
    detail = case
        when excluded.status = 'done' then excluded.detail
        else (s.detail - 'error') || excluded.detail
    end
