-- Which of the switch's objects are there, by kind: all of them, or none.
with named (name, kind) as (
    select c.relname, c.relkind from pg_catalog.pg_class as c
    where c.relnamespace = 'public'::regnamespace and c.relname in (
        'users', 'customers', 'professions', 'provider_professions', 'provider_services',
        'service_requests', 'messages', 'sessions', 'task_queue', 'consents'
    )
)
select 'english names', string_agg(name || ' ' || kind::text, ', ' order by name) from named
union all
select 'archive', count(*)::text from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = 'legado_' || %(system)s and c.relkind = 'r'
union all
select 'archive schema', count(*)::text from pg_catalog.pg_namespace
where nspname = 'legado_' || %(system)s
union all
select 'functions', string_agg(p.proname, ', ' order by p.proname) from pg_catalog.pg_proc as p
inner join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
where n.nspname = 'compat_' || %(system)s
    or n.nspname = 'traspaso' and p.proname like 'captura\_final\_%%'
union all
select 'way back', string_agg(c.relname, ', ' order by c.relname) from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = 'compat_' || %(system)s and c.relname ~ '^(regreso|aparte)_'
union all
select
    'triggers',
    string_agg(
        t.tgrelid::regclass::text || ' ' || t.tgname, ', '
        order by t.tgrelid::regclass::text, t.tgname
    )
from pg_catalog.pg_trigger as t
where
    not t.tgisinternal
    and (t.tgname like 'traspaso\_captura\_final%%' or t.tgname ~ '^traspaso_[123]_')
union all
select 'journal', count(*)::text from traspaso.steps
where system = %(system)s and phase = 4 and step = 'phase' and status = 'done'
