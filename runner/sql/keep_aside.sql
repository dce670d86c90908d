-- Keeps the rows of a final table that have no English form.
insert into traspaso.row_fates as fate (
    system, source_table, source_key, fate, reasons, target_table, target_key, row, run_id,
    recorded_at
)
select
    {system},
    {table},
    aside.clave,
    'excluded',
    aside.motivos,
    aside.fuente,
    aside.clave,
    aside.fila,
    {run_id},
    clock_timestamp()
from {aside} as aside
on conflict (system, source_table, source_key, target_table) do update set
    reasons = excluded.reasons,
    row = excluded.row,
    run_id = excluded.run_id,
    recorded_at = excluded.recorded_at
returning source_key, reasons
