-- The switch is the last completed phase again, every legacy table counts as written, and the
-- tables that were restored need not be the same ones any more, which their OIDs would tell.
with forgotten as (
    delete from traspaso.steps where system = {system} and phase > {phase}
),

recorded as (
    update traspaso.steps as step
    set detail = jsonb_set(step.detail, '{{picture,lines}}', (
        select coalesce(jsonb_agg(line), '[]')
        from jsonb_array_elements(step.detail #> '{{picture,lines}}') as line
        where not line ->> 0 like 'oid %'
    ))
    where step.system = {system} and step.phase <= {phase} and step.detail ? 'picture'
)

insert into traspaso.changes (system, source_table, source_key, operation)
select
    {system},
    name,
    null,
    't'
from unnest({tables}::text[]) as wanted (name)
