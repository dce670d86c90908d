-- Scratch databases that no session works for: whoever made them was killed.
select d.datname
from pg_catalog.pg_database as d
where starts_with(d.datname, %(prefix)s)
    and pg_catalog.pg_has_role(d.datdba, 'usage')
    and not exists (
        select 1
        from pg_catalog.pg_stat_activity as a
        where a.application_name = d.datname
    )
