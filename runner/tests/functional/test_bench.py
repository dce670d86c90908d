"""The application writes on all through a migration: it notices nothing, and loses nothing."""

from pathlib import Path

import psycopg
import pytest

from runner.bench import triggers
from runner.bench.application import BASELINE, Load, watch
from runner.console import Console
from runner.plan import load_plan
from runner.sample import create_legacy
from runner.settings import Settings
from runner.tests.functional.helpers.tinkubot_cases import RUN, traspaso

pytestmark = pytest.mark.newest

STATEMENTS = ("insert", "update", "delete")
# What a legacy table's written column is called there, and where it goes.
WRITTEN = {
    "users": ("city", "proveedores", "ciudad"),
    "customers": ("full_name", "clientes", "nombre_completo"),
    "messages": ("content", "mensajes", "contenido"),
}


def texts(conn: psycopg.Connection, table: str, column: str) -> dict[str, str]:
    query = f"select id::text, {column} from public.{table} where {column} ~ '^(nuevo|otro) '"  # noqa: S608
    return dict(conn.execute(query.encode()).fetchall())


def test_a_client_that_writes_all_through_a_migration_notices_nothing_and_loses_nothing(
    settings: Settings, conn: psycopg.Connection, tmp_path: Path
) -> None:
    create_legacy(conn, dirt=0, messages=200)
    url = settings.require_target()
    found = watch(url, tmp_path, Console(), Load(connections=2, rate=200, baseline_seconds=1))
    found.require()
    assert [*found.calls] == [
        BASELINE, "0 prepare", "1 create", "2 masters", "3 transactions", "validate", "rollback",
    ]  # fmt: skip
    assert all(summary.calls for summary in found.calls.values())
    for table, (column, _, _) in WRITTEN.items():
        assert found.rows[table]
        assert texts(conn, table, column) == found.rows[table]
    assert traspaso(settings, *RUN).code == 0
    proof = traspaso(settings, "validate", "tinkubot").json
    assert (proof["status"], proof["pending"]) == ("pass", 0)
    for table, (_, target, column) in WRITTEN.items():
        assert texts(conn, target, column) == found.rows[table]


def test_the_cost_of_the_triggers_is_measured_and_leaves_neither_triggers_nor_rows(
    settings: Settings, conn: psycopg.Connection
) -> None:
    create_legacy(conn, dirt=0, messages=10)
    assert traspaso(settings, "run", "tinkubot", "--phase", "0", "--ignore-window").code == 0
    ways = [triggers.Way(1, waits=True), triggers.Way(2, waits=False)]
    plan = load_plan("tinkubot")
    found = triggers.measure(settings, plan, pairs=2, writes=5, many=7, ways=ways)
    single, several = "1 client, waiting: ", "2 clients, not waiting: "
    assert {f"{way}{statement}" for way in (single, several) for statement in STATEMENTS} | {
        f"{single}{statement} of 1,000" for statement in STATEMENTS
    } == set(found)
    assert all(len(pairs.without) == len(pairs.captured) == 2 for pairs in found.values())
    left = conn.execute(
        "select (select count(*) from public.messages), (select count(*) from traspaso.changes),"
        " (select count(*) from pg_trigger where tgname like 'traspaso%')"
    ).fetchone()
    assert left == (10, 0, 0)
