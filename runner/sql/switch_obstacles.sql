-- What of the legacy tables would not come with the switch: one row each, with what to do.
with legacy as (
    select
        c.oid,
        c.relname,
        c.relkind,
        c.relowner
    from pg_catalog.pg_class as c
    inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = %(legacy_schema)s and c.relname = any(%(tables)s)
),

dependents as (
    select distinct
        legacy.relname,
        d.classid,
        d.objid
    from legacy
    inner join pg_catalog.pg_depend as d
        on d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = legacy.oid
    where d.deptype = 'n'
)

select
    format('%%s is no ordinary table', relname) as problem,
    'the switch moves ordinary tables only; take it out of the plan' as fix
from legacy
where relkind <> 'r'
union all
select
    format('%%s belongs to %%s', relname, pg_get_userbyid(relowner)),
    format('run as its owner, or: grant %%I to %%I', pg_get_userbyid(relowner), current_user)
from legacy
where not pg_has_role(relowner, 'usage')
union all
select
    format('%%s has tables that inherit from it', relname),
    'detach them, or take it out of the plan'
from legacy
where exists (select 1 from pg_catalog.pg_inherits as i where i.inhparent = legacy.oid)
union all
select
    format('%%s reads %%s and would go on reading the old rows', r.ev_class::regclass, d.relname),
    format('drop %%s, and create it again after the switch', r.ev_class::regclass)
from dependents as d
inner join pg_catalog.pg_rewrite as r
    on d.classid = 'pg_catalog.pg_rewrite'::regclass and r.oid = d.objid
inner join pg_catalog.pg_class as v on v.oid = r.ev_class
inner join pg_catalog.pg_namespace as n on n.oid = v.relnamespace
where n.nspname <> all(%(own_schemas)s) and v.relname <> d.relname
union all
select
    format(
        'function %%s is bound to %%s and would go on with the old rows',
        d.objid::regprocedure, d.relname
    ),
    format('drop %%s, and create it again after the switch', d.objid::regprocedure)
from dependents as d
where d.classid = 'pg_catalog.pg_proc'::regclass
union all
select
    format('%%s has a foreign key to %%s', k.conrelid::regclass, legacy.relname),
    format(
        'its new rows would find no parent; drop %%I, or let it refer to the Spanish table',
        k.conname
    )
from legacy
inner join pg_catalog.pg_constraint as k on k.contype = 'f' and k.confrelid = legacy.oid
where k.conrelid not in (select oid from legacy)
union all
select
    format('trigger %%s of %%s cannot fire on a view', t.tgname, legacy.relname),
    format(
        'only BEFORE triggers without WHEN or columns come along; drop %%I, or write it for the '
        'Spanish table',
        t.tgname
    )
from legacy
inner join pg_catalog.pg_trigger as t on t.tgrelid = legacy.oid
where
    not t.tgisinternal
    and t.tgenabled in ('O', 'A')
    and t.tgname not like 'traspaso\_%%'
    and (
        ((t.tgtype & 1) > 0 and (t.tgtype & 2) = 0)
        or t.tgqual is not null
        or t.tgattr::text <> ''
        or t.tgnewtable is not null
        or t.tgoldtable is not null
        or t.tgconstraint <> 0
        or (t.tgtype & 32) > 0
    )
union all
select
    format('%%s has a rule', legacy.relname),
    format('drop rule %%I', r.rulename)
from legacy
inner join pg_catalog.pg_rewrite as r on r.ev_class = legacy.oid
union all
select
    format('%%I.%%I is there already', %(archive)s::text, c.relname),
    'the legacy table moves there: drop or rename what has its name'
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = %(archive)s and c.relname = any(%(tables)s)
union all
select
    format(
        'the columns of %%s are not those that its view shows: %%s', legacy.relname,
        string_agg(a.attname, ', ' order by a.attname)
    ),
    'a column that the models do not know would be out of reach; add it to them'
from legacy
cross join lateral (
    (
        select a.attname from pg_catalog.pg_attribute as a
        where a.attrelid = legacy.oid and a.attnum > 0 and not a.attisdropped
        except
        select a.attname from pg_catalog.pg_attribute as a
        where
            a.attrelid = to_regclass(format('%%I.%%I', %(compat)s::text, legacy.relname))
            and a.attnum > 0
            and not a.attisdropped
    )
    union all
    (
        select a.attname from pg_catalog.pg_attribute as a
        where
            a.attrelid = to_regclass(format('%%I.%%I', %(compat)s::text, legacy.relname))
            and a.attnum > 0
            and not a.attisdropped
        except
        select a.attname from pg_catalog.pg_attribute as a
        where a.attrelid = legacy.oid and a.attnum > 0 and not a.attisdropped
    )
) as a (attname)
group by legacy.relname
order by 1
