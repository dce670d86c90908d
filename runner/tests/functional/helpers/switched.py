"""TinkuBot before and after the switch: roles and policies on the legacy, copies made cheaply."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from runner.sample import create_legacy
from runner.server import PgServer
from runner.settings import Settings
from runner.tests.functional.helpers.tinkubot_cases import TABLES, insert, traspaso, uid

SWITCH = ("run", "tinkubot", "--through", "4", "--yes", "--ignore-window")
BACK = ("rollback", "tinkubot", "--to", "3", "--yes")

APP, READER, PARTIAL, LATECOMER, OPERATOR, OWNER = ROLES = (
    "tinku_app", "tinku_lector", "tinku_parcial", "tinku_nuevo", "tinku_operador", "tinku_duena",
)  # fmt: skip

PROVIDER, CLIENT, CUSTOMER = uid(1), uid(2), uid(3)

# What the application has set up on its tables: who may what, and who sees which rows.
_SURROUNDINGS = """
alter default privileges in schema public grant all on tables to tinku_nuevo;
grant select, insert, update, delete on all tables in schema public to tinku_app, tinku_operador;
grant usage on all sequences in schema public to tinku_app, tinku_operador;
grant select on all tables in schema public to tinku_lector;
grant select (id, name, city), update (city), insert (phone_number, name, user_type)
on public.users to tinku_parcial;
alter table public.consents owner to tinku_duena;
comment on table public.users is 'Quien escribe al bot';

alter table public.provider_services enable row level security;
create policy ver on public.provider_services
for select to tinku_app using (is_active);
create policy caro on public.provider_services as restrictive
for select to tinku_app using (price is null or price < 150);
create policy lector on public.provider_services
for select to tinku_lector using (true);
create policy poner on public.provider_services
for insert to tinku_app with check (category = 'hogar');
create policy cambiar on public.provider_services
for update to tinku_app using (category = 'hogar') with check (title <> 'prohibido');
create policy quitar on public.provider_services
for delete to tinku_app using (category = 'salud');
create policy operador on public.provider_services
for all to tinku_operador using (current_user = 'tinku_operador' and title is not null);

alter table public.task_queue enable row level security;
create policy todos on public.task_queue using (priority < 5);
create policy nada_fallido on public.task_queue as restrictive
for all to tinku_app using (status <> 'failed');
"""

_names = count(1)


def create_roles(pg: PgServer) -> None:
    """Create the application's roles, none of which has a right of ours."""
    with psycopg.connect(pg.url(), autocommit=True) as conn:
        for role in ROLES:
            conn.execute(sql.SQL("create role {}").format(sql.Identifier(role)))


def drop_roles(pg: PgServer) -> None:
    """Drop them, once the databases are gone where they have rights."""
    with psycopg.connect(pg.url(), autocommit=True) as conn:
        for role in ROLES:
            conn.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


def prepare(conn: psycopg.Connection) -> None:
    """Make a dirty legacy with some rows known by their ids, and its surroundings."""
    create_legacy(conn, dirt=0.2)
    insert(conn, "users", [
        {"id": PROVIDER, "phone_number": "0990000001", "name": "Flor", "user_type": "provider",
         "status": "pending", "country": None, "city": "Quito"},
        {"id": CLIENT, "phone_number": "0990000002", "name": "Ciro", "user_type": "legacy_client",
         "email": "ciro@correo.example", "city": "Loja"},
    ])  # fmt: skip
    insert(conn, "customers", [
        {"id": CUSTOMER, "phone_number": "0990000003", "full_name": "Inti", "has_consent": True,
         "notes": '{"canal": "web", "_legado": 1}'},
        {"id": uid(4), "phone_number": "0990000004", "notes": '["llamar", "de tarde"]'},
    ])  # fmt: skip
    insert(conn, "professions", [
        {"id": 901, "name": "Campanera"}, {"id": 902, "name": "Farolero"},
    ])  # fmt: skip
    insert(conn, "provider_services", [
        {"id": uid(10 + n), "provider_id": PROVIDER, "title": f"Servicio {n}", "category": category,
         "price": price, "price_type": "fixed", "is_active": active, "availability": "{}"}
        for n, (category, price, active) in enumerate([
            ("hogar", 10, True), ("hogar", 200, True), ("salud", 20, True),
            ("salud", 20, False), ("eventos", None, True),
        ])
    ])  # fmt: skip
    insert(conn, "provider_professions", [
        {"provider_id": PROVIDER, "profession_id": 901, "experience_years": None,
         "verification_status": "verified", "certifications": '[ "SECAP" ]'},
    ])  # fmt: skip
    insert(conn, "messages", [
        {"id": uid(30), "user_id": PROVIDER, "phone": "0990000001", "message_type": None,
         "content": "hola", "processing_status": "received", "metadata": '["sin objeto"]'},
    ])  # fmt: skip
    insert(conn, "sessions", [
        {"id": uid(40), "user_id": PROVIDER, "session_id": "s", "status": "active",
         "session_data": "no es json"},
    ])  # fmt: skip
    insert(conn, "service_requests", [{"id": uid(50), "phone": "0990000003"}])
    insert(conn, "task_queue", [
        {"id": uid(60 + n), "task_type": "reminder", "payload": "{}", "priority": priority,
         "status": status, "scheduled_at": "2025-01-01"}
        for n, (priority, status) in enumerate([(1, "pending"), (9, "pending"), (1, "failed")])
    ])  # fmt: skip
    insert(conn, "consents", [
        {"id": uid(70), "user_id": CUSTOMER, "response": "accepted",
         "message_log": '"{\\"a\\": 1}"'},
    ])  # fmt: skip
    conn.execute(_SURROUNDINGS.encode())


@contextmanager
def copy_of(pg: PgServer, settings: Settings, backup_dir: Path) -> Iterator[Settings]:
    """Give a copy of a database, which nobody may be connected to, for as long as the block."""
    name = f"copia_{next(_names)}"
    original = psycopg.conninfo.conninfo_to_dict(settings.require_target())["dbname"]
    with psycopg.connect(pg.url(), autocommit=True) as conn:
        conn.execute(
            sql.SQL("create database {} template {}").format(
                sql.Identifier(name), sql.Identifier(str(original))
            )
        )
    yield replace(settings, target_url=pg.url(name), backup_dir=backup_dir)
    pg.drop_database(name)


@dataclass(frozen=True)
class Refusal:
    """What the server answered to a statement that it refused."""

    state: str | None
    message: str
    column: str | None = None


def said(conn: psycopg.Connection, statement: str, *parameters: object) -> Any:
    """Return the rows, the number of rows written, or the Refusal."""
    try:
        with conn.transaction():
            cursor = conn.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else cursor.rowcount
    except psycopg.Error as error:
        return Refusal(
            error.sqlstate, error.diag.message_primary or str(error), error.diag.column_name
        )


@contextmanager
def acting_as(conn: psycopg.Connection, role: str | None) -> Iterator[None]:
    """Be another role for the block, whose writes are undone at its end."""
    with conn.transaction(force_rollback=True):
        if role is not None:
            conn.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
        yield


def contents(
    conn: psycopg.Connection, schema: str, tables: Sequence[str] = tuple(TABLES)
) -> dict[str, list[str]]:
    """Return each table's rows as text, sorted."""
    return {
        table: sorted(
            row[0]
            for row in conn.execute(
                sql.SQL("select t::text from {} as t").format(sql.Identifier(schema, table))
            )
        )
        for table in tables
    }


def switch(settings: Settings) -> None:
    """Do phase 4, and demand that it is done."""
    answer = traspaso(settings, *SWITCH)
    assert answer.code == 0, answer


def go_back(settings: Settings, to: int = 3) -> dict[str, Any]:
    """Go back, demand that all is as recorded, and give the answer."""
    answer = traspaso(settings, "rollback", "tinkubot", "--to", str(to), "--yes")
    assert answer.code == 0, answer
    return answer.json
