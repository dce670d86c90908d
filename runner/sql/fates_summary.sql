-- A row with several reasons counts under each of them.
select
    f.source_table,
    f.fate,
    r.reason,
    count(*) as rows
from traspaso.row_fates as f
left join lateral unnest(f.reasons) as r (reason) on true
where f.system = %(system)s
group by f.source_table, f.fate, r.reason
order by f.source_table collate "C", f.fate collate "C", count(*) desc, r.reason collate "C"
