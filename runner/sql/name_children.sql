-- Counts the rows as written that refer to a row that was: what they refer to may be gone.
insert into traspaso.changes (system, source_table, source_key, operation)
select
    {system},
    {table},
    {key},
    'u'
from {relation} as source
where source.{column}::text in (
    select change.source_key
    from traspaso.changes as change
    where change.system = {system} and change.source_table = {parent}
)
