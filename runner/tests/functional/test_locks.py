"""Somebody holds a lock: we give way, try again, and say who it was when patience is over."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql

from runner import cli
from runner.plan import DDL_LOCK_TIMEOUT_MS, load_plan
from runner.sample import create_legacy
from runner.settings import Settings
from runner.tests.functional.helpers.tinkubot_cases import traspaso

pytestmark = pytest.mark.newest

READY = ("run", "tinkubot", "--through", "1", "--yes", "--ignore-window")
MASTERS = ("run", "tinkubot", "--phase", "2", "--yes", "--ignore-window")


@pytest.fixture
def ready(settings: Settings, conn: psycopg.Connection) -> Settings:
    """Give a database whose Spanish tables are there and empty."""
    create_legacy(conn)
    assert traspaso(settings, *READY).code == 0
    return settings


@contextmanager
def held(settings: Settings, table: str, mode: str, *, briefly: bool = False) -> Iterator[int]:
    """Hold a lock in another session; give the session's pid.

    For the block, or until somebody has waited for it for a while.
    """
    released = threading.Event()
    with psycopg.connect(settings.require_target(), application_name="informe-nocturno") as holder:
        holder.execute(
            sql.SQL("lock table {} in {} mode").format(
                sql.Identifier("public", table), sql.SQL(mode)
            )
        )
        pid = holder.info.backend_pid
        if not briefly:
            yield pid
            return

        def release() -> None:
            with psycopg.connect(settings.require_target(), autocommit=True) as watcher:
                for _ in range(300):
                    waiting = watcher.execute(
                        "select 1 from pg_stat_activity where %s = any(pg_blocking_pids(pid))",
                        [pid],
                    ).fetchone()
                    if waiting:
                        break
                    time.sleep(0.2)
            # Longer than a statement waits.
            time.sleep(2.5)
            holder.rollback()
            released.set()

        thread = threading.Thread(target=release)
        thread.start()
        yield pid
        thread.join()
        assert released.is_set()


def impatient(monkeypatch: pytest.MonkeyPatch, patience: float = 3) -> None:
    plan = replace(load_plan("tinkubot"), lock_timeout_ms=1000, lock_patience_seconds=patience)
    monkeypatch.setattr(cli, "load_plan", lambda _: plan)


@pytest.mark.parametrize(
    ("table", "mode"),
    [("users", "access exclusive"), ("proveedores", "access share")],
)
def test_a_lock_that_is_released_in_time_delays_and_nothing_else(
    ready: Settings, table: str, mode: str
) -> None:
    with held(ready, table, mode, briefly=True):
        answer = traspaso(ready, *MASTERS)
    assert answer.code == 0, answer.stdout
    assert "waiting: " in answer.stderr
    assert traspaso(ready, "validate", "tinkubot").json["status"] == "pass"


def test_a_load_outwaits_the_servers_own_maintenance(ready: Settings) -> None:
    with held(ready, "proveedores", "share update exclusive", briefly=True):
        answer = traspaso(ready, *MASTERS)
    assert answer.code == 0, answer.stdout
    assert "waiting: " not in answer.stderr


@pytest.mark.parametrize(
    ("table", "mode"),
    [("users", "access exclusive"), ("proveedores", "access share")],
)
def test_a_lock_that_is_not_released_is_refused_by_its_holders_name_and_lost_nothing(
    ready: Settings, monkeypatch: pytest.MonkeyPatch, table: str, mode: str
) -> None:
    impatient(monkeypatch)
    with held(ready, table, mode) as pid:
        answer = traspaso(ready, *MASTERS)
        assert answer.code == 3, answer.stdout
        said = answer.json["error"]["message"]
        assert f"server process {pid} " in said
        assert "informe-nocturno" in said
        assert f"public.{table}" in said
        assert f"pg_terminate_backend({pid})" in answer.json["error"]["fix"]
        assert traspaso(ready, "status", "tinkubot").json == {
            "phase": 1, "state": "interrupted", "switched": False,
        }  # fmt: skip
    assert traspaso(ready, *MASTERS).code == 0
    assert traspaso(ready, "validate", "tinkubot").json["status"] == "pass"


def test_a_backup_waits_for_a_lock_too(
    settings: Settings, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_legacy(conn)
    impatient(monkeypatch)
    prepare = ("run", "tinkubot", "--phase", "0", "--ignore-window")
    with held(settings, "users", "access exclusive") as pid:
        answer = traspaso(settings, *prepare)
        assert answer.code == 3, answer.stdout
        assert f"server process {pid} " in answer.json["error"]["message"]
    assert not list(settings.backup_dir.glob("*"))
    assert traspaso(settings, *prepare).code == 0


def test_a_rollback_waits_for_a_lock_too(ready: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    impatient(monkeypatch)
    back = ("rollback", "tinkubot", "--to", "0", "--yes")
    with held(ready, "proveedores", "access share") as pid:
        answer = traspaso(ready, *back)
        assert answer.code == 3, answer.stdout
        assert f"server process {pid} " in answer.json["error"]["message"]
    assert traspaso(ready, *back).code == 0


def test_a_rollback_outwaits_the_servers_own_maintenance(ready: Settings) -> None:
    with held(ready, "proveedores", "share update exclusive", briefly=True):
        answer = traspaso(ready, "rollback", "tinkubot", "--to", "0", "--yes")
    assert answer.code == 0, answer.stdout
    assert "waiting: " not in answer.stderr


def test_what_others_queue_behind_waits_a_second_at_most() -> None:
    plan = load_plan("tinkubot")
    assert plan.lock_timeout_ms > DDL_LOCK_TIMEOUT_MS
    assert plan.ddl_lock_timeout_ms == DDL_LOCK_TIMEOUT_MS == 1000


def test_a_foreign_key_that_a_killed_load_left_unvalidated_is_validated(
    ready: Settings, conn: psycopg.Connection
) -> None:
    assert traspaso(ready, *MASTERS).code == 0
    fingerprint = traspaso(ready, "validate", "tinkubot").json["fingerprint"]
    name, definition = conn.execute(
        "select conname, pg_get_constraintdef(oid) from pg_constraint where contype = 'f'"
        " and conrelid = 'public.servicios_proveedor'::regclass"
    ).fetchone() or ("", "")
    table = sql.Identifier("public", "servicios_proveedor")
    conn.execute(sql.SQL("alter table {} drop constraint {}").format(table, sql.Identifier(name)))
    conn.execute(
        sql.SQL("alter table {} add constraint {} {} not valid").format(
            table, sql.Identifier(name), sql.SQL(re.sub(" NOT VALID", "", definition))
        )
    )
    assert traspaso(ready, "validate", "tinkubot").json["fingerprint"] != fingerprint
    assert traspaso(ready, *MASTERS).code == 0
    assert traspaso(ready, "validate", "tinkubot").json["fingerprint"] == fingerprint
