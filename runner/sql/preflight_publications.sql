-- Publications of the legacy tables; those of a whole schema are listed with its tables.
select
    p.pubname as name,
    pg_catalog.quote_ident(p.pubname) as quoted,
    p.puballtables as is_of_all,
    p.pubupdate or p.pubdelete as needs_identity,
    case
        when p.puballtables then array[]::text[]
        else array(
            select t.tablename::text
            from pg_catalog.pg_publication_tables as t
            where t.pubname = p.pubname
                and t.schemaname = %(schema)s
                and t.tablename = any(%(tables)s)
            order by t.tablename
        )
    end as tables
from pg_catalog.pg_publication as p
order by p.pubname
