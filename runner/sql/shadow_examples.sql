-- One row of a result for each of some hashes, every value as text.
select distinct on (f.huella) f.*
from (
    select
        pg_catalog.hashtextextended(row({columns})::text, 0) as huella,
        {texts}
    from (
{query}
    ) as resultado ({names})
) as f
where f.huella = any({hashes})
order by f.huella
