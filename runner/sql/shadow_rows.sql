-- The rows of a result in the order of their first column: what two results can be merged by.
select
    f.clave,
    f.huella,
    count(*)
from (
    select
        coalesce({first}::text, '') collate "C" as clave,
        pg_catalog.hashtextextended(row({columns})::text, 0) as huella
    from (
{query}
    ) as resultado ({names})
) as f
group by f.clave, f.huella
order by f.clave, f.huella
