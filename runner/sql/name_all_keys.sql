-- Says of each row of a relation that it was written.
insert into traspaso.changes (system, source_table, source_key, operation)
select
    {system},
    {table},
    {key},
    't'
from {relation} as source
