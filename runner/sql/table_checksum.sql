-- (fila.*)::text is the whole row even where a column is called like the alias.
select
    count(*),
    coalesce(sum(pg_catalog.hashtextextended((fila.*)::text, 0)), 0)::text
from {relation} as fila
