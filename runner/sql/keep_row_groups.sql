insert into traspaso.row_groups (system, source_table, row_group, rows, digest, engine)
select %(system)s, source_table, row_group, filas, suma, %(engine)s
from (select * from {first} union all select * from {second}) as sums
where row_group is not null and source_table = any(%(tables)s)
