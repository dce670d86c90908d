select
    source_table,
    count(*)
from {differences}
group by source_table
order by source_table
