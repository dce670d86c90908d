-- Rows of a result, the sum of the hashes of its values and of the rows as they are written, and
-- sums in which the place of each row counts: of whole rows and of what they are ordered by.
select
    count(*),
    coalesce(sum(pg_catalog.hashtextextended(f.fila, 0)), 0)::text,
    coalesce(sum(pg_catalog.hashtextextended(f.escrita, 0)), 0)::text,
    coalesce(sum(pg_catalog.hashtextextended(f.fila, f.lugar)), 0)::text,
    coalesce(sum(pg_catalog.hashtextextended(f.orden, f.lugar)), 0)::text
from (
    select
        row_number() over () as lugar,
        row({columns})::text as fila,
        row({names})::text as escrita,
        row({key})::text as orden
    from (
{query}
    ) as resultado ({names})
) as f
