select
    source_table, source_rows, loaded, merged, quarantined, excluded, residue, mismatches
from {balance}
where source_table = %(table)s
