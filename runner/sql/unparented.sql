-- Keeps the rows of a legacy table whose parent is gone, and lets them do without.
with orphan as (
    select
        source.ctid as place,
        {key} as source_key,
        to_jsonb(source.*) as row
    from {relation} as source
    where
        source.{column} is not null
        and not exists (
            select 1 from {parent} as parent where parent.{parent_column} = source.{column}
        )
),

kept as (
    insert into traspaso.row_fates as fate (
        system, source_table, source_key, fate, reasons, target_table, target_key, row, run_id,
        recorded_at
    )
    select
        {system},
        {kept_as},
        orphan.source_key,
        'excluded',
        array[{reason}],
        {table},
        orphan.source_key,
        orphan.row,
        {run_id},
        clock_timestamp()
    from orphan
    on conflict (system, source_table, source_key, target_table) do update set
        reasons = excluded.reasons,
        row = excluded.row,
        run_id = excluded.run_id,
        recorded_at = excluded.recorded_at
)

update {relation} as source
set {column} = null
from orphan
where source.ctid = orphan.place
returning orphan.source_key
