-- At most one more than is counted: there may be millions.
select pg_catalog.count(*) as found
from (select from pg_catalog.pg_largeobject_metadata limit %(at_most)s) as l
