-- Writes to these legacy tables that no load has brought; a table emptied counts as one.
select count(*)
from (
    select distinct
        c.source_table,
        c.source_key
    from traspaso.changes as c
    where c.system = %(system)s and c.source_table = any(%(tables)s)
) as pendiente
