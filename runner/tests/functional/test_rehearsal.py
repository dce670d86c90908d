"""A rehearsal changes nothing but what it found; its times decide what a window has room for."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from runner import cli, state
from runner.db import connect
from runner.estimate import Lap, Rehearsal, Rehearsed
from runner.plan import Plan, Window, load_plan
from runner.sample import create_legacy
from runner.server import PgServer
from runner.settings import Settings
from runner.tests.functional.helpers.tinkubot_cases import TABLES, new_database, traspaso

PHASE_0 = ("run", "tinkubot", "--phase", "0", "--ignore-window")


pytestmark = pytest.mark.newest


@pytest.fixture(scope="module")
def prepared(pg: PgServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Give a legacy that is backed up and rehearsed."""
    with new_database(pg, f"ensayo_{pg.major}", tmp_path_factory.mktemp("backups")) as settings:
        with psycopg.connect(settings.require_target()) as conn:
            create_legacy(conn)
        assert traspaso(settings, *PHASE_0).code == 0
        yield settings


def databases(settings: Settings) -> set[str]:
    with psycopg.connect(settings.require_target()) as conn:
        return {row[0] for row in conn.execute("select datname from pg_database")}


def schemas(settings: Settings) -> list[tuple[str, int]]:
    """Count what is in each schema, the journal's left out."""
    with psycopg.connect(settings.require_target()) as conn:
        return conn.execute(
            "select relnamespace::regnamespace::text, count(*) from pg_class"
            " where relnamespace::regnamespace::text not in ('traspaso', 'pg_toast')"
            " group by 1 order by 1"
        ).fetchall()


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_without_a_backup_there_is_nothing_to_rehearse_on(
    settings: Settings, conn: psycopg.Connection
) -> None:
    create_legacy(conn)
    answer = traspaso(settings, "rehearse", "tinkubot")
    assert answer.code == 3
    assert "run tinkubot --phase 0" in answer.json["error"]["fix"]


def test_a_rehearsal_runs_all_of_it_forward_and_back_and_leaves_nothing_but_times(
    prepared: Settings,
) -> None:
    before = databases(prepared), schemas(prepared), files(prepared.backup_dir)
    answer = traspaso(prepared, "rehearse", "tinkubot")
    assert answer.code == 0, answer.stderr
    assert [phase["phase"] for phase in answer.json["phases"]] == [0, 1, 2, 3, 4]
    assert all(phase["seconds"] > 0 for phase in answer.json["phases"])
    back = [phase["rollback_seconds"] for phase in answer.json["phases"]]
    assert back[0] is None
    assert all(seconds > 0 for seconds in back[1:])
    assert (databases(prepared), schemas(prepared), files(prepared.backup_dir)) == before
    assert traspaso(prepared, "status", "tinkubot").json == {
        "phase": 0, "state": "idle", "switched": False,
    }  # fmt: skip
    planned = traspaso(prepared, "plan", "tinkubot").json
    assert all(phase["estimate"]["forward_seconds"] > 0 for phase in planned["phases"][:-1])
    # What the last phase drops comes back from a backup only: it is not rehearsed.
    assert planned["phases"][-1]["estimate"] is None


def test_a_phase_that_fails_in_the_rehearsal_is_named_and_its_database_is_gone(
    settings: Settings, conn: psycopg.Connection
) -> None:
    create_legacy(conn)
    assert traspaso(settings, *PHASE_0).code == 0
    before = databases(settings)
    # In the backup's copy this function is not what a trigger's name says it is.
    conn.execute("create table public.proveedores (id int)")
    answer = traspaso(settings, "backup", "tinkubot", "create")
    made = answer.json["backups"][0]["id"]
    assert traspaso(settings, "backup", "tinkubot", "verify", made).code == 0
    answer = traspaso(settings, "rehearse", "tinkubot")
    assert answer.code == 1, answer.stdout
    assert "proveedores" in answer.json["error"]["message"]
    assert databases(settings) == before


# --- what an estimate does to a run -------------------------------------------------------------


def rehearsed(settings: Settings, *, seconds: float, back: float, rows: int = 1000) -> None:
    """Record a rehearsal with these times of each phase; the load takes all of it."""
    with connect(settings.require_target(), autocommit=True) as conn:
        state.install(conn)
        conn.execute("delete from traspaso.rehearsals")
        Rehearsal(
            backup_id="tinkubot_0_ensayo",
            start_seconds=1,
            rows=dict.fromkeys(TABLES, rows),
            phases=[
                Rehearsed(n, name, seconds, back if n else None,
                          [Lap("load", seconds, ["messages"])])
                for n, name in enumerate(("prepare", "create", "masters", "transactions"))
            ],
        ).record(conn, "tinkubot")  # fmt: skip


def plan_closing_in(seconds: float) -> Plan:
    """Return TinkuBot's plan with a window that is open and closes then; rounded up a second."""
    plan = load_plan("tinkubot")
    now = datetime.now(UTC)
    closes = now + timedelta(seconds=seconds + 1)
    opens = now - timedelta(hours=1)
    zone = plan.window.timezone
    window = Window(
        opens=opens.astimezone(zone).time().replace(microsecond=0),
        closes=closes.astimezone(zone).time().replace(microsecond=0),
        timezone=zone,
    )
    return replace(plan, window=window)


def test_an_estimate_goes_with_the_rows(settings: Settings, conn: psycopg.Connection) -> None:
    made = create_legacy(conn)
    rehearsed(settings, seconds=10, back=5, rows=made["messages"])
    phases = traspaso(settings, "plan", "tinkubot").json["phases"]
    assert phases[3]["estimate"]["forward_seconds"] == pytest.approx(10)
    conn.execute(
        "delete from public.messages where ctid in"
        " (select ctid from public.messages order by ctid limit %s)",
        [made["messages"] // 2],
    )
    phases = traspaso(settings, "plan", "tinkubot").json["phases"]
    assert phases[3]["estimate"]["forward_seconds"] == pytest.approx(5, rel=0.01)


def test_a_phase_that_does_not_fit_any_more_is_refused_before_anything_is_done(
    settings: Settings, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_legacy(conn)
    assert traspaso(settings, *PHASE_0).code == 0
    rehearsed(settings, seconds=3000, back=3000)
    monkeypatch.setattr(cli, "load_plan", lambda _: plan_closing_in(1800))
    before = schemas(settings)
    answer = traspaso(settings, "run", "tinkubot", "--phase", "1", "--yes")
    assert answer.code == 3
    assert answer.json["status"] == "refused"
    assert "does not fit" in answer.json["error"]["message"]
    assert schemas(settings) == before
    assert traspaso(settings, "status", "tinkubot").json["state"] == "idle"
    again = traspaso(settings, "run", "tinkubot", "--phase", "1", "--yes", "--ignore-window")
    assert again.code == 0


def test_a_phase_that_is_late_stops_and_can_go_on_or_back(
    settings: Settings, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_legacy(conn)
    ready = ("run", "tinkubot", "--through", "2", "--yes", "--ignore-window")
    assert traspaso(settings, *ready).code == 0
    # It says it takes a second, but somebody holds one of its tables.
    rehearsed(settings, seconds=1, back=2)
    run = ("run", "tinkubot", "--phase", "3", "--yes")
    monkeypatch.setattr(
        cli, "load_plan", lambda _: replace(plan_closing_in(14), lock_patience_seconds=600)
    )
    with psycopg.connect(settings.require_target()) as holder:
        holder.execute("lock table public.mensajes in access share mode")
        began = datetime.now(UTC)
        answer = traspaso(settings, *run)
        assert datetime.now(UTC) - began < timedelta(seconds=120)
    assert answer.code == 3, answer.stdout
    assert "is late" in answer.json["error"]["message"]
    assert "--to 2" in answer.json["error"]["fix"]
    assert answer.json["phases"][0]["reversible_until"] is not None
    assert traspaso(settings, "status", "tinkubot").json == {
        "phase": 2, "state": "interrupted", "switched": False,
    }  # fmt: skip
    back = traspaso(settings, "rollback", "tinkubot", "--to", "2", "--yes")
    assert back.code == 0, back.stdout
    assert back.json["differences"] == []
    on = traspaso(settings, *run, "--ignore-window")
    assert on.code == 0
    assert traspaso(settings, "validate", "tinkubot").json["status"] == "pass"


def test_a_load_that_is_late_is_cancelled_in_its_transaction(
    settings: Settings, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_legacy(conn)
    ready = ("run", "tinkubot", "--through", "2", "--yes", "--ignore-window")
    assert traspaso(settings, *ready).code == 0
    rehearsed(settings, seconds=1, back=2)
    # Each row of a table that is loaded now takes its time.
    conn.execute(
        "create function public.despacio() returns trigger language plpgsql as"
        " $$ begin perform pg_sleep(0.2); return new; end $$"
    )
    conn.execute(
        "create trigger despacio before insert on public.mensajes"
        " for each row execute function public.despacio()"
    )
    monkeypatch.setattr(cli, "load_plan", lambda _: plan_closing_in(12))
    answer = traspaso(settings, "run", "tinkubot", "--phase", "3", "--yes")
    assert answer.code == 3, answer.stdout
    assert "is late" in answer.json["error"]["message"]
    assert conn.execute("select count(*) from public.mensajes").fetchone() == (0,)
    conn.execute(sql.SQL("drop function public.despacio() cascade"))
    overrun = traspaso(settings, "run", "tinkubot", "--phase", "3", "--yes", "--ignore-window")
    assert overrun.code == 0, overrun.stdout


def test_overrun_goes_on_when_the_way_back_needs_the_time(
    settings: Settings, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_legacy(conn)
    ready = ("run", "tinkubot", "--through", "2", "--yes", "--ignore-window")
    assert traspaso(settings, *ready).code == 0
    rehearsed(settings, seconds=0, back=9)
    monkeypatch.setattr(cli, "load_plan", lambda _: plan_closing_in(16))
    answer = traspaso(settings, "run", "tinkubot", "--phase", "3", "--yes", "--overrun")
    assert answer.code == 0, answer.stdout
    assert "reversible inside the window until" in answer.stderr
