select e.extname
from pg_catalog.pg_extension as e
order by e.extname
