{#
    The functions and tables that the compat views need under the legacy names, once for
    all systems.

    uses      when somebody read or wrote through a view under its legacy name: noted at
              most once a minute by a session, so that nobody waits for anybody
    unproved  keys that a sync brought since the last full proof
#}
{% macro switch_functions() -%}
create table if not exists traspaso.uses (
    system text not null,
    view_name text not null,
    kind text not null check (kind in ('read', 'write')),
    role text not null,
    application text not null,
    used_at timestamp with time zone not null default clock_timestamp()
);
create index if not exists idx_uses_vista on traspaso.uses (system, view_name, kind, used_at);
create table if not exists traspaso.unproved (
    system text not null,
    source_table text not null,
    source_key text
);
comment on table traspaso.uses is
    'Usos de las vistas con nombre del legado después del cambio: quién y cuándo';
comment on table traspaso.unproved is
    'Claves que una sincronización trajo después de la última prueba completa';
{{ _function_note_use() }}
{{ _function_refuse_row() }}
{{ _function_concurrent_write() }}
{{ _function_merged_json() }}
{%- endmacro %}

{#
    Notes that a view was used. The session remembers what it noted, so that the table is
    not even looked at; in a transaction that cannot write nothing is noted.
#}
{% macro _function_note_use() -%}
create or replace function traspaso.note_use(system text, view_name text, kind text)
returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $traspaso$
declare
    -- SET ROLE's role, for whoever works under one
    role_now text := coalesce(nullif(current_setting('role'), 'none'), session_user::text);
    application text := current_setting('application_name');
    memo text := 'traspaso.u' || to_hex(hashtext(concat_ws(' ', system, view_name, kind)));
    stamp text := concat_ws(
        ' ', floor(extract(epoch from clock_timestamp()) / 60), role_now, application
    );
begin
    if
        current_setting(memo, true) is distinct from stamp
        and current_setting('transaction_read_only') = 'off'
    then
        insert into traspaso.uses (system, view_name, kind, role, application)
        values (system, view_name, kind, role_now, application);
        perform set_config(memo, stamp, false);
    end if;
    return true;
end
$traspaso$;
{%- endmacro %}

{# Refuses a row: 'column:rule, in words', by the rule's own SQLSTATE. #}
{% macro _function_refuse_row() -%}
create or replace function traspaso.refuse_row(view_name text, reasons text[]) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $traspaso$
declare
    name text := split_part(reasons[1], ':', 1);
    rule text := split_part(split_part(reasons[1], ':', 2), ' ', 1);
begin
    raise exception '%: %', view_name, array_to_string(reasons, '; ') using
        errcode = case rule
            when 'not_null' then '23502'
            when 'unique' then '23505'
            when 'foreign_key' then '23503'
            when 'length' then '22001'
            when 'range' then '22003'
            when 'json' then '22P02'
            when 'type' then '22023'
            else '23514'
        end,
        table = view_name,
        column = name,
        hint = 'The row goes to a Spanish table that asks for this; see traspaso mapping.';
end
$traspaso$;
{%- endmacro %}

{# Tells who counts up from a number that somebody else has changed since. #}
{% macro _function_concurrent_write() -%}
create or replace function traspaso.concurrent_write(
    view_name text, column_name text, given anyelement
) returns anyelement
language plpgsql volatile set search_path = pg_catalog, pg_temp as $traspaso$
begin
    raise exception '%.%: could not serialize access due to concurrent update',
        view_name, column_name
        using errcode = '40001', hint = 'Say the transaction again.';
end
$traspaso$;
{%- endmacro %}

{#
    A JSON value that somebody wrote, upon what stands there now: of objects only the
    members are written that the write changed.
#}
{% macro _function_merged_json() -%}
create or replace function traspaso.merged_json(now jsonb, before jsonb, after jsonb)
returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $traspaso$
declare
    result jsonb := now;
    name text;
begin
    if
        now is not distinct from before
        or jsonb_typeof(now) is distinct from 'object'
        or jsonb_typeof(before) is distinct from 'object'
        or jsonb_typeof(after) is distinct from 'object'
    then
        return after;
    end if;
    for name in
        select jsonb_object_keys(before) union select jsonb_object_keys(after)
    loop
        if before -> name is distinct from after -> name then
            if not after ? name then
                result := result - name;
            elsif
                jsonb_typeof(result -> name) = 'object'
                and jsonb_typeof(before -> name) = 'object'
                and jsonb_typeof(after -> name) = 'object'
            then
                result := jsonb_set(
                    result, array[name],
                    traspaso.merged_json(result -> name, before -> name, after -> name)
                );
            else
                result := result || jsonb_build_object(name, after -> name);
            end if;
        end if;
    end loop;
    return result;
end
$traspaso$;
{%- endmacro %}
