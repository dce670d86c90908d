-- Takes back what default privileges gave to views that were restored: phase 5 wrote down who
-- might do what with them.
do $do$
declare
    surplus record;
begin
    for surplus in
        select
            c.oid::regclass as view,
            a.privilege_type,
            case
                when a.grantee = 0 then 'public'
                else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee))
            end as role
        from pg_catalog.pg_class as c
        inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        cross join lateral pg_catalog.aclexplode(c.relacl) as a
        where
            n.nspname = {schema}
            and c.relname = any({tables}::text[])
            and a.grantee <> c.relowner
            and not exists (
                select 1 from traspaso.steps as step
                where
                    step.system = {system}
                    and step.phase = {phase}
                    and step.detail -> 'grants' ? concat_ws(
                        ' ', c.relname,
                        case
                            when a.grantee = 0 then 'public'
                            else pg_catalog.pg_get_userbyid(a.grantee)
                        end,
                        a.privilege_type
                    )
            )
    loop
        execute pg_catalog.format(
            'revoke %s on %s from %s', surplus.privilege_type, surplus.view, surplus.role
        );
    end loop;
end
$do$
