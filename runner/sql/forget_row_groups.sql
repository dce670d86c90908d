delete from traspaso.row_groups
where system = %(system)s and source_table = any(%(tables)s)
