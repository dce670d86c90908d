-- How long the statements of a database took, by what they are for; of all sessions together.
select
    statement.work,
    sum(statement.total_exec_time) / 1000 as seconds
from (
    select
        total_exec_time,
        case
            when query ~ 'pg_advisory_xact_lock' then 'loads wait for each other'
            when query ~ 'compat_tinkubot"[.]"(balance|huerfanos|diferencias)' then 'proof'
            when query ~ 'hashtextextended|traspaso[.]catalog_lines' then 'checksums, catalog'
            when query ~* '__(notable|fates|repairs)|traspaso_noted|"(row_fates|repairs)"'
                then 'evidence'
            when query ~* '^\s*analyze' then 'statistics'
            when query ~* '^\s*(create (unique )?index|do \$traspaso\$|alter table .* constraint)'
                then 'keys'
            when query ~* '^\s*insert into "[^"]*"[.]"public"[.]' then 'rows'
            when query ~* '_historia' then 'snapshots'
            else 'the rest'
        end as work
    from pg_stat_statements
    where dbid = (select oid from pg_database where datname = %(database)s)
) as statement
group by statement.work
order by seconds desc
