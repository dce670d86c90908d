-- A reason may be given whole (telefono:length), or by its column or rule alone.
select
    f.source_table,
    f.source_key,
    f.fate,
    f.reasons,
    f.target_table,
    f.target_key,
    f.row,
    f.recorded_at
from traspaso.row_fates as f
where f.system = %(system)s
    and (%(fate)s::text is null or f.fate = %(fate)s)
    and (%(table)s::text is null or f.source_table = %(table)s)
    and (
        %(reason)s::text is null
        or exists (
            select 1
            from unnest(f.reasons) as r (reason)
            where %(reason)s in (r.reason, split_part(r.reason, ':', 1), split_part(r.reason, ':', 2))
        )
    )
order by f.source_table collate "C", f.source_key collate "C", f.target_table collate "C"
limit %(limit)s
