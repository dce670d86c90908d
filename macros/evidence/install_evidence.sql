{#
    Makes what the evidence needs: the schema `traspaso`, its tables `row_fates`
    and `repairs`, and the functions of the type macros. Says nothing and changes
    nothing where they are there already.

    row_fates  one row for each legacy row that was not simply loaded
    changes    one row for each write to a legacy table that no load has brought yet:
               its key (none: the whole table) and the operation (i, u, d, t)
    repairs    one row for each value that was changed by more than its mapping;
               before and after as they were and are stored, `shown` as the compat
               view gives it back
#}
{% macro install_evidence() -%}
    {%- if execute and flags.WHICH in (
        'build', 'run', 'seed', 'snapshot', 'test', 'run-operation'
    ) -%}
        {%- set ddl = target_dispatch('install_evidence')() -%}
        {{ _known_schema() if ddl | trim }}
        {{ server_hook(ddl) }}
    {%- endif -%}
{%- endmacro %}

{# DuckDB looks at an attached database's schemas once: those made later are made by it. #}
{% macro _known_schema() -%}
    {%- if is_attached() -%}
create schema if not exists {{ target.database }}.traspaso;
    {%- endif -%}
{%- endmacro %}

{% macro default__install_evidence() -%}
    {{ _evidence_tables('varchar', 'json', 'bigint default 0') }}
{%- endmacro %}

{#
    What is there carries the hash of what made it, as the comment of one function:
    another version of this project makes it anew.
#}
{% macro postgres__install_evidence() -%}
    {%- set functions = _postgres_functions() -%}
    {%- set tables = _evidence_tables('text', 'jsonb', 'xid8 default pg_current_xact_id()')
        ~ _load_tables() -%}
    {%- set version = 'Traspaso ' ~ local_md5(tables ~ functions) -%}
    {%- set present = target_query(
        "select coalesce(obj_description("
        ~ "to_regprocedure('traspaso.catalog_lines(text[])'), 'pg_proc') = '"
        ~ version ~ "', false)"
    ).rows[0][0] -%}
    {%- if not present -%}
        {{ tables }}
        {{ functions }}
        comment on function traspaso.catalog_lines(text[]) is '{{ version }}';
    {%- endif -%}
{%- endmacro %}

{% macro _evidence_tables(text_type, json_type, transaction_type) -%}
create schema if not exists traspaso;
create table if not exists {{ evidence_relation('row_fates') }} (
    system {{ text_type }} not null,
    source_table {{ text_type }} not null,
    source_key {{ text_type }} not null,
    fate {{ text_type }} not null
        check (fate in ('merged', 'quarantined', 'excluded')),
    reasons {{ text_type }}[] not null,
    target_table {{ text_type }} not null,
    target_key {{ text_type }},
    row {{ json_type }} not null,
    run_id {{ text_type }} not null,
    recorded_at timestamp with time zone not null,
    primary key (system, source_table, source_key, target_table)
);
create table if not exists {{ evidence_relation('repairs') }} (
    system {{ text_type }} not null,
    source_table {{ text_type }} not null,
    source_key {{ text_type }} not null,
    column_name {{ text_type }} not null,
    rule {{ text_type }} not null,
    before {{ text_type }},
    after {{ text_type }},
    shown {{ text_type }},
    target_table {{ text_type }} not null,
    run_id {{ text_type }} not null,
    recorded_at timestamp with time zone not null,
    primary key (system, source_table, source_key, column_name, target_table)
);
create table if not exists {{ evidence_relation('changes') }} (
    system {{ text_type }} not null,
    source_table {{ text_type }} not null,
    source_key {{ text_type }},
    operation {{ text_type }} not null,
    transaction {{ transaction_type }} not null
);
{%- endmacro %}

{#
    What a load took off and has still to put back, and how far it has come; a load of
    its own transaction needs no such memory.
#}
{% macro _load_tables() -%}
create table if not exists traspaso.foreign_keys (
    child text not null,
    name text not null,
    parent text not null,
    definition text not null,
    primary key (child, name)
);
create table if not exists traspaso.loads (
    table_name text primary key,
    fingerprint text not null,
    batch_rows bigint not null
);
create table if not exists traspaso.ranges (
    table_name text not null references traspaso.loads on delete cascade,
    first_row bigint not null,
    loaded bigint not null,
    kept_back bigint not null,
    primary key (table_name, first_row)
);
create table if not exists traspaso.keys_off (
    table_name text not null references traspaso.loads on delete cascade,
    position integer not null,
    is_unique boolean not null,
    statement text not null,
    primary key (table_name, position)
);
create table if not exists traspaso.row_groups (
    system text not null,
    source_table text not null,
    row_group bigint not null,
    rows bigint not null,
    digest text not null,
    engine text not null,
    primary key (system, source_table, row_group)
);
{%- endmacro %}

{% macro _postgres_functions() -%}
comment on table traspaso.foreign_keys is
    'Claves foráneas que una carga ha quitado y aún no ha vuelto a poner';
comment on table traspaso.loads is
    'Cargas por rangos que no han terminado: la tabla y el archivo del que vienen sus filas';
comment on table traspaso.ranges is
    'Rangos de filas del legado que ya están en la tabla';
comment on table traspaso.keys_off is
    'Claves e índices que una carga ha quitado y aún no ha vuelto a poner';
comment on table traspaso.row_groups is
    'Grupos de filas del archivo como eran en la última carga que se probó: lo que no ha cambiado no se vuelve a enviar';
comment on schema traspaso is
    'Traspaso: estado de la migración y sus pruebas';
comment on table traspaso.row_fates is
    'Una fila por fila del legado que no se cargó tal cual: fusionada, en cuarentena o excluida';
comment on table traspaso.changes is
    'Escrituras en las tablas del legado que aún no se han traído: clave y operación';
comment on column traspaso.changes.transaction is
    'Transacción que escribió: lo que una carga ya vio se sabe por su instantánea';
comment on table traspaso.repairs is
    'Una fila por valor que cambió más allá de su correspondencia declarada';
{{ _function_jsonb_or_string() }}
{{ _function_noted() }}
{{ _function_catalog_lines() }}
{{ _functions_of_partitions() }}
{{ switch_functions() }}
{%- endmacro %}
