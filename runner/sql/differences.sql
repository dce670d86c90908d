select source_table, source_key, problem, columns
from {differences}
where source_table = %(table)s
limit 5
