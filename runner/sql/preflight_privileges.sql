-- What the connected role lacks, each with what for, and the statement that gives it; of a table
-- that it cannot read, the schema.
with schemas as (
    select
        n.oid,
        n.nspname,
        n.nspname = any(%(own_schemas)s) as is_own
    from pg_catalog.pg_namespace as n
    where n.nspname = any(%(own_schemas)s || array[%(legacy_schema)s, %(target_schema)s])
),

relations as (
    select
        c.oid,
        c.relname,
        c.relkind,
        c.relowner,
        s.oid as schema_oid,
        s.nspname,
        s.is_own,
        case when c.relkind = 'S' then 'sequence ' else '' end as kind
    from pg_catalog.pg_class as c
    inner join schemas as s on s.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'S')
        and not exists (
            select 1
            from pg_catalog.pg_depend as d
            where d.classid = 'pg_catalog.pg_class'::regclass
                and d.objid = c.oid
                and d.deptype = 'e'
        )
),

lacking (rank, detail, fix, unreadable_in) as (
    select
        1,
        pg_catalog.format('CREATE on the database %%I, to make its schemas', d.datname),
        pg_catalog.format('grant create on database %%I to %%I', d.datname, current_user),
        null
    from pg_catalog.pg_database as d
    where d.datname = pg_catalog.current_database()
        and not pg_catalog.has_database_privilege(d.oid, 'create')
        and exists (
            select 1
            from unnest(%(own_schemas)s) as o (name)
            where o.name not in (select s.nspname from schemas as s)
        )

    union all

    select
        2,
        pg_catalog.format('TEMPORARY on the database %%I, to load', d.datname),
        pg_catalog.format('grant temporary on database %%I to %%I', d.datname, current_user),
        null
    from pg_catalog.pg_database as d
    where d.datname = pg_catalog.current_database()
        and not pg_catalog.has_database_privilege(d.oid, 'temporary')

    union all

    select
        3,
        'CREATEDB, to restore a backup for a drill',
        pg_catalog.format('alter role %%I createdb', current_user),
        null
    from pg_catalog.pg_roles as r
    where r.rolname = current_user and not r.rolcreatedb and not r.rolsuper

    union all

    select
        4,
        pg_catalog.format('USAGE on the schema %%I', s.nspname),
        pg_catalog.format('grant usage on schema %%I to %%I', s.nspname, current_user),
        null
    from schemas as s
    where not pg_catalog.has_schema_privilege(s.oid, 'usage')

    union all

    select
        5,
        pg_catalog.format('CREATE on the schema %%I', s.nspname),
        pg_catalog.format('grant create on schema %%I to %%I', s.nspname, current_user),
        null
    from schemas as s
    where (s.is_own or s.nspname = %(target_schema)s)
        and not pg_catalog.has_schema_privilege(s.oid, 'create')

    union all

    -- A backup holds the whole schema: what it cannot read makes it fail.
    select
        case when r.relname = any(%(legacy_tables)s) then 6 else 7 end,
        pg_catalog.format(
            'SELECT on %%s%%I.%%I%%s', r.kind, r.nspname, r.relname,
            case
                when r.nspname <> %(legacy_schema)s or r.relname <> all(%(legacy_tables)s)
                    then ', which a backup reads too'
            end
        ),
        pg_catalog.format(
            'grant select on %%s%%I.%%I to %%I', r.kind, r.nspname, r.relname, current_user
        ),
        pg_catalog.quote_ident(r.nspname)
    from relations as r
    where r.relkind <> 'v'
        and r.nspname <> 'traspaso'
        and not pg_catalog.has_table_privilege(r.oid, 'select')

    union all

    select
        8,
        pg_catalog.format(
            'SELECT, INSERT, UPDATE, DELETE and TRUNCATE on %%I.%%I', r.nspname, r.relname
        ),
        pg_catalog.format(
            'grant select, insert, update, delete, truncate on %%I.%%I to %%I',
            r.nspname, r.relname, current_user
        ),
        null
    from relations as r
    where r.nspname = 'traspaso'
        and r.relkind in ('r', 'p')
        and not (
            pg_catalog.has_table_privilege(r.oid, 'select')
            and pg_catalog.has_table_privilege(r.oid, 'insert')
            and pg_catalog.has_table_privilege(r.oid, 'update')
            and pg_catalog.has_table_privilege(r.oid, 'delete')
            and pg_catalog.has_table_privilege(r.oid, 'truncate')
        )

    union all

    -- Indexes are built and views replaced by the owner only.
    select
        9,
        pg_catalog.format('ownership of %%I.%%I', r.nspname, r.relname),
        pg_catalog.format(
            'grant %%I to %%I', pg_catalog.pg_get_userbyid(r.relowner), current_user
        ),
        null
    from relations as r
    where r.relkind <> 'S'
        and (
            (r.is_own and r.nspname <> 'traspaso')
            or (r.nspname = %(target_schema)s and r.relname = any(%(our_tables)s))
        )
        and not pg_catalog.pg_has_role(r.relowner, 'usage')
)

select
    l.detail,
    l.fix,
    l.unreadable_in
from lacking as l
order by l.rank, l.detail
