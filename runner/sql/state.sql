-- State of the migration in the target database. Said again, it changes nothing.
create schema if not exists traspaso;

create table if not exists traspaso.runs (
    run_id uuid primary key default gen_random_uuid(),
    system text not null,
    command text not null,
    operator text not null default current_user,
    host text not null,
    pid integer not null,
    backend_pid integer not null default pg_backend_pid(),
    backend_start timestamptz not null,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    status text not null default 'running',
    error text,
    detail jsonb not null default '{}',
    constraint runs_status_check check (
        status in ('running', 'succeeded', 'failed', 'refused', 'interrupted')
    )
);

create index if not exists idx_runs_system_started_at
on traspaso.runs (system, started_at);

create table if not exists traspaso.steps (
    system text not null,
    phase integer not null,
    step text not null,
    run_id uuid not null references traspaso.runs (run_id),
    status text not null,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    rows bigint,
    detail jsonb not null default '{}',
    primary key (system, phase, step),
    constraint steps_status_check check (status in ('running', 'done', 'failed'))
);

create table if not exists traspaso.backups (
    id text primary key,
    system text not null,
    phase integer not null,
    path text not null,
    bytes bigint not null,
    sha256 text not null,
    manifest jsonb not null,
    created_at timestamptz not null,
    verified_at timestamptz,
    verified_detail jsonb
);

create table if not exists traspaso.rehearsals (
    rehearsal_id uuid primary key default gen_random_uuid(),
    system text not null,
    backup_id text not null,
    recorded_at timestamptz not null default clock_timestamp(),
    detail jsonb not null
);

comment on schema traspaso is
'Estado y evidencia de la migración: ejecuciones, pasos, respaldos y destino de cada fila.';
comment on table traspaso.runs is
'Una fila por cada ejecución que mueve un sistema: quién, desde dónde, cuándo y cómo terminó.';
comment on table traspaso.steps is
'Una fila por paso de una fase, escrita en la misma transacción que hace el paso.';
comment on table traspaso.backups is
'Una fila por respaldo. Un respaldo cuenta solo si tiene verified_at.';
comment on table traspaso.rehearsals is
'Una fila por ensayo completo sobre un respaldo restaurado: segundos y filas de cada paso.';
comment on column traspaso.runs.operator is 'Rol de PostgreSQL que ejecutó la orden.';
comment on column traspaso.runs.backend_pid is
'Proceso del servidor que sostiene el candado del operador; con backend_start es único.';
comment on column traspaso.runs.detail is 'Datos de la ejecución; nunca una contraseña.';
comment on column traspaso.steps.step is
'Nombre del paso; el paso phase en done significa que la fase terminó y quedó probada.';
comment on column traspaso.backups.manifest is
'Copia de manifest.json: archivos con sha256, tablas con filas y suma de control.';
comment on column traspaso.backups.verified_at is
'Momento en que se restauró en una base temporal y todas sus sumas coincidieron.';
