-- The switch is the last completed phase again, and every legacy table counts as written.
with forgotten as (
    delete from traspaso.steps where system = {system} and phase > {phase}
)

insert into traspaso.changes (system, source_table, source_key, operation)
select
    {system},
    name,
    null,
    't'
from unnest({tables}::text[]) as wanted (name)
