{#
    The statements that put the compat views under the legacy names, as rows
    (position, statement): the view with the legacy table's columns in their order, its
    defaults, grants, row-level security and triggers; then the table moves away.

    The view reads with its owner's rights, so that the grants on it suffice as they did
    on the table; so does the compat view under it, whose reader need not have rights on the
    Spanish tables. Who reads it is noted once a minute and session, by a subquery that runs
    once a query. `row_security_active` asks of the legacy table, by its OID, whether the
    policies bind whoever asks.

    system    name of the system
    legacy    schema of the legacy tables
    archive   schema that they move to
    compat    schema of the compat views
    tables    their names
    defaults  {table: {column: SQL of its default}}, instead of the legacy's own
#}
{% macro english_views(system, legacy, archive, compat, tables, defaults) -%}
with given (position, name) as (
    values
    {%- for table in tables %}
    ({{ loop.index }}, '{{ table }}'){{ ',' if not loop.last }}
    {%- endfor %}
),

replaced (name, attname, expression) as (
    values
    {%- for table, columns in defaults.items() %}
    {%- for column, expression in columns.items() %}
    ('{{ table }}', '{{ column }}', '{{ expression | replace("'", "''") }}'),
    {%- endfor %}
    {%- endfor %}
    (null, null, null)
),

legacy as (
    select
        given.position,
        given.name,
        class.oid,
        class.relowner,
        class.relacl,
        class.relrowsecurity,
        format('%I.%I', '{{ legacy }}', given.name) as table_name,
        format(
            'new row violates row-level security policy for table "%s"', given.name
        ) as policy_error,
        format('%I.%I', '{{ legacy }}', given.name || '__traspaso') as view_name
    from given
    inner join pg_class as class on class.relname = given.name
    inner join pg_namespace as space
        on class.relnamespace = space.oid and space.nspname = '{{ legacy }}'
),

columns as (
    select
        legacy.oid,
        attribute.attnum,
        attribute.attname,
        attribute.attacl,
        coalesce(
            replaced.expression, pg_get_expr(standard.adbin, standard.adrelid)
        ) as expression
    from legacy
    inner join pg_attribute as attribute
        on legacy.oid = attribute.attrelid and attribute.attnum > 0 and not attribute.attisdropped
    left join pg_attrdef as standard
        on
            attribute.attrelid = standard.adrelid
            and attribute.attnum = standard.adnum
            and attribute.attgenerated = ''
    left join replaced on legacy.name = replaced.name and attribute.attname = replaced.attname
),

policies as (
    select
        legacy.oid,
        policy.polcmd,
        policy.polpermissive,
        format(
            '((%s) and (%s))', role.is_meant,
            coalesce(pg_get_expr(policy.polqual, policy.polrelid), 'true')
        ) as seen,
        format(
            '((%s) and (%s))', role.is_meant,
            coalesce(
                pg_get_expr(policy.polwithcheck, policy.polrelid),
                pg_get_expr(policy.polqual, policy.polrelid), 'true'
            )
        ) as written,
        format('(not (%s))', role.is_meant) as is_another
    from legacy
    inner join pg_policy as policy on legacy.oid = policy.polrelid
    cross join lateral (
        select
            string_agg(
                case
                    when role = 0 then 'true'
                    else format(
                        'pg_catalog.pg_has_role(current_user, %s::oid, ''usage'')', role
                    )
                end, ' or '
            ) as is_meant
        from unnest(policy.polroles) as role
    ) as role
    where legacy.relrowsecurity
),

allowed as (
    select
        legacy.oid,
        command.polcmd,
        format(
            '(not pg_catalog.row_security_active(%s::oid) or ((%s) and (%s)))',
            legacy.oid,
            coalesce(
                string_agg(policies.seen, ' or ') filter (where policies.polpermissive), 'false'
            ),
            coalesce(
                string_agg(format('((%s) or %s)', policies.is_another, policies.seen), ' and ')
                filter (where not policies.polpermissive), 'true'
            )
        ) as seen,
        format(
            '(not pg_catalog.row_security_active(%s::oid) or ((%s) and (%s)))',
            legacy.oid,
            coalesce(
                string_agg(policies.written, ' or ') filter (where policies.polpermissive), 'false'
            ),
            coalesce(
                string_agg(format('((%s) or %s)', policies.is_another, policies.written), ' and ')
                filter (where not policies.polpermissive), 'true'
            )
        ) as written
    from legacy
    cross join (values ('r'), ('a'), ('w'), ('d')) as command (polcmd)
    left join policies
        on legacy.oid = policies.oid and policies.polcmd::text in (command.polcmd, '*')
    where legacy.relrowsecurity
    group by legacy.oid, command.polcmd
),

triggers as (
    select
        legacy.*,
        trigger.tgname,
        trigger.tgtype,
        regexp_replace(
            pg_get_triggerdef(trigger.oid), '^.* (EXECUTE FUNCTION .*)$', '\1'
        ) as action,
        concat_ws(
            ' or ',
            case when (trigger.tgtype & 4) > 0 then 'insert' end,
            case when (trigger.tgtype & 16) > 0 then 'update' end,
            case when (trigger.tgtype & 8) > 0 then 'delete' end
        ) as events
    from legacy
    inner join pg_trigger as trigger
        on
            legacy.oid = trigger.tgrelid
            and not trigger.tgisinternal
            and trigger.tgenabled in ('O', 'A')
            and trigger.tgname not like 'traspaso\_%'
            and (trigger.tgtype & 32) = 0
),

statements as (
    select
        position, 1 as part, 0 as nth,
        format(
            'create view %s%s as select %s from %I.%I as %I where (select traspaso.note_use(%L, %L, %L))%s',
            view_name,
            case when relrowsecurity then ' with (security_barrier = true)' else '' end,
            (
                select string_agg(format('%I.%I', legacy.name, attname), ', ' order by attnum)
                from columns
                where columns.oid = legacy.oid
            ),
            '{{ compat }}', name, name, '{{ system }}', name, 'read',
            (
                select ' and ' || seen from allowed
                where allowed.oid = legacy.oid and polcmd = 'r'
            )
        ) as statement
    from legacy
    union all
    select
        position, 2, attnum,
        format('alter view %s alter column %I set default %s', view_name, attname, expression)
    from legacy
    inner join columns using (oid)
    where expression is not null
    union all
    select
        position, 3, 0,
        format(
            'comment on view %s is %L', view_name,
            coalesce(
                obj_description(oid, 'pg_class'),
                'Nombre del legado: muestra y escribe las tablas en español'
            )
        )
    from legacy
    union all
    -- what default privileges gave to the view is not the legacy's
    select
        position, 4, 0,
        format(
            'do $do$ declare g record; begin for g in select distinct grantee from pg_catalog.pg_class as c,'
            || ' lateral pg_catalog.aclexplode(c.relacl) as a where c.oid = %L::regclass and a.grantee <> c.relowner'
            || ' loop execute pg_catalog.format(''revoke all on %s from %%s'','
            || ' case when g.grantee = 0 then ''public'' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) end);'
            || ' end loop; end $do$', view_name, view_name
        )
    from legacy
    union all
    select
        position, 5, 0,
        format('grant all on %s to %I', view_name, pg_get_userbyid(relowner))
    from legacy
    where pg_get_userbyid(relowner) <> current_user
    union all
    select
        position, 6, row_number() over (),
        format(
            'grant %s on %s to %s%s', acl.privilege_type, view_name,
            case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end,
            case when acl.is_grantable then ' with grant option' else '' end
        )
    from legacy
    cross join lateral aclexplode(relacl) as acl
    where
        acl.grantee <> relowner
        and acl.privilege_type in (
            'SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'
        )
    union all
    select
        position, 7, row_number() over (),
        format(
            'grant %s (%I) on %s to %s%s', acl.privilege_type, attname, view_name,
            case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end,
            case when acl.is_grantable then ' with grant option' else '' end
        )
    from legacy
    inner join columns using (oid)
    cross join lateral aclexplode(attacl) as acl
    union all
    -- INSTEAD OF triggers fire in the order of their names, each on what the one before made
    select
        position, 8, row_number() over (order by tgname),
        case
            when (tgtype & 1) > 0 then format(
                'create trigger %I instead of %s on %s for each row %s',
                left('traspaso_1_' || tgname, 63), events, view_name, action
            )
            else format(
                'create trigger %I %s %s on %s for each statement %s',
                tgname, case when (tgtype & 2) > 0 then 'before' else 'after' end, events,
                view_name, action
            )
        end
    from triggers
    union all
    select
        position, 9, 0,
        format(
            'create function %I.%I() returns trigger language plpgsql as $traspaso$'
            || ' #variable_conflict use_column' || chr(10)
            || 'begin if tg_op = ''INSERT'' then'
            || ' if not exists (select from (select new.*) as %I where %s) then raise exception using errcode = ''42501'', message = %L; end if;'
            || ' elsif tg_op = ''UPDATE'' then'
            || ' if not exists (select from (select old.*) as %I where %s) then return null; end if;'
            -- who can see a row cannot make one of it that they cannot see
            || ' if not exists (select from (select new.*) as %I where %s and %s) then raise exception using errcode = ''42501'', message = %L; end if;'
            || ' else if not exists (select from (select old.*) as %I where %s) then return null; end if; return old; end if;'
            || ' return new; end $traspaso$',
            '{{ compat }}', 'politica_' || name,
            name, (select written from allowed where allowed.oid = legacy.oid and polcmd = 'a'),
            policy_error,
            name, (select seen from allowed where allowed.oid = legacy.oid and polcmd = 'w'),
            name, (select written from allowed where allowed.oid = legacy.oid and polcmd = 'w'),
            (select seen from allowed where allowed.oid = legacy.oid and polcmd = 'r'),
            policy_error,
            name, (select seen from allowed where allowed.oid = legacy.oid and polcmd = 'd')
        )
    from legacy
    where relrowsecurity
    union all
    select
        position, 10, 0,
        format(
            'create trigger traspaso_2_politica instead of insert or update or delete on %s'
            || ' for each row execute function %I.%I()',
            view_name, '{{ compat }}', 'politica_' || name
        )
    from legacy
    where relrowsecurity
    union all
    select
        position, 11, 0,
        format(
            'create trigger traspaso_3_escribe instead of insert or update or delete on %s'
            || ' for each row execute function %I.%I()',
            view_name, '{{ compat }}', 'escribe_' || name
        )
    from legacy
    union all
    select position, 12, 0, format('alter view %I.%I reset (security_invoker)', '{{ compat }}', name)
    from legacy
    union all
    -- foreign keys are checked with the owner's rights
    select
        position, 13, 0,
        format('grant usage on schema %I to %I', '{{ archive }}', pg_get_userbyid(relowner))
    from legacy
    where pg_get_userbyid(relowner) <> current_user
    union all
    select position, 14, 0, format('alter table %s set schema %I', table_name, '{{ archive }}')
    from legacy
    union all
    select position, 15, 0, format('alter view %s rename to %I', view_name, name)
    from legacy
)

select statement
from statements
order by position, part, nth
{%- endmacro %}
