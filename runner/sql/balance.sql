select
    source_table, source_rows, loaded, merged, quarantined, excluded, pending, residue, mismatches
from {balance}
where source_table = %(table)s
