-- Counts the rows as written whose key was repaired, where what it was repaired to was written.
insert into traspaso.changes (system, source_table, source_key, operation)
select distinct
    {system},
    {table},
    {key},
    'u'
from {relation} as source
inner join (
    select
        regexp_replace(repair.source_key, '#[0-9]+$', '') as base,
        jsonb_object_agg(repair.column_name, repair.shown) as shown
    from traspaso.repairs as repair
    where
        repair.system = {system}
        and repair.source_table = {table}
        and repair.column_name = any({columns})
    group by 1
) as rekeyed on rekeyed.base = {key}
where {shown_key} in (
    select change.source_key
    from traspaso.changes as change
    where change.system = {system} and change.source_table = {table}
)
