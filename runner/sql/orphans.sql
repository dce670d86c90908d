select target_table, constraint_name, orphans
from {orphans}
where target_table = any(%(tables)s)
