"""Fluxion after its load: critical queries, the switch from a file, the way back, the clean-up.

The tests share one database and go through it in the order of the phases.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from runner import critical
from runner.dbt import Dbt
from runner.errors import StepFailed
from runner.fluxion_sample import create_fluxion
from runner.legacy_file import fingerprint
from runner.plan import CriticalQueries, load_plan
from runner.server import PgServer
from runner.settings import Settings
from runner.tests.functional.helpers.tinkubot_cases import Answer, new_database, traspaso
from runner.validate import prove

pytestmark = pytest.mark.newest

PLAN = load_plan("fluxion")
RUN = ("run", "fluxion", "--yes", "--ignore-window")

# Movements are more: of them PostgreSQL's own digest is of a sample only, after a load.
LINES = 4_000

# One of each kind that an application makes.
WRITES = (
    "insert into conjuntos_sustituibles (id, nombre) values ('nuevo', 'nuevo')",
    "update ubicaciones set nombre = 'otra' where id = 'tienda_01'",
    "delete from movimientos_inventario where id = (select min(id) from movimientos_inventario)",
)
PROBLEMS = {
    "conjuntos_sustituibles": "no legacy row",
    "ubicaciones": "differs",
    "movimientos_inventario": "no fate",
}


def execute(settings: Settings, *statements: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.target_url or "", autocommit=True) as conn:
        for statement in statements:
            done = conn.execute(statement)
            assert done.rowcount != 0, statement
        return done.fetchall() if done.description else []


def back_up(settings: Settings) -> None:
    for action in ("create", "verify"):
        answer = traspaso(settings, "backup", "fluxion", action)
        assert answer.code == 0, answer


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("legado") / "fluxion.db"
    create_fluxion(path, lines=LINES, keyed=False)
    return path


@pytest.fixture(scope="module")
def loaded(
    pg: PgServer, legacy: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Settings, Answer]]:
    with new_database(pg, "fluxion_cambio", tmp_path_factory.mktemp("backups")) as made:
        settings = replace(made, legacy_url=f"duckdb:///{legacy}", legacy_schema="main")
        answer = traspaso(settings, *RUN, "--through", "3")
        assert answer.code == 0, answer
        yield settings, answer


@pytest.fixture
def settings(loaded: tuple[Settings, Answer]) -> Settings:
    return loaded[0]


# --- the critical queries -----------------------------------------------------------------------


def test_each_critical_query_is_measured_before_and_after_and_kept_with_the_run(
    loaded: tuple[Settings, Answer],
) -> None:
    settings, answer = loaded
    queries = answer.json["phases"][3]["queries"]
    assert len(queries) == 3
    for found in queries:
        assert (found["result"], found["problem"]) == ("same", None)
        assert found["rows"] > 0
        assert found["ratio"] > 0
        assert found["before"]["executions"] == found["after"]["executions"] == 5
        assert found["before"]["engine"].startswith("DuckDB")
        assert found["before"]["plan"]["children"]
        assert "Shared Hit Blocks" in found["after"]["plan"][0]["Plan"]
    kept = execute(settings, "select run_id::text, detail -> 'queries' from traspaso.runs")
    assert kept == [(answer.json["run_id"], queries)]
    assert traspaso(settings, "status", "fluxion").json["queries"] == queries


def test_a_critical_query_that_returns_other_rows_than_the_file_is_said(settings: Settings) -> None:
    changed = (
        "update facturas set total_usd = total_usd {} 1 where id ="
        " (select max(id) from facturas where fecha = (select max(fecha) from facturas))"
    )
    execute(settings, changed.format("+"))
    try:
        found, notes = critical.measured_quietly(settings, PLAN)
    finally:
        execute(settings, changed.format("-"))
    assert [each.result for each in found] == ["differs", "same", "same"]
    said = "other rows than before: 1 only in the file, 1 only in PostgreSQL"
    assert notes == [f"ventas por ubicación, últimos 30 días: {said}"]


def test_a_critical_query_that_fails_or_takes_too_long_is_a_note(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "queries.sql"
    path.write_text(
        "-- name: mala\nselect nada from facturas;\n"
        "-- name: lenta\nselect count(*) from items_facturas as a, items_facturas as b,"
        " items_facturas as c where a.id < b.id and b.id < c.id;\n"
        "-- name: vacía\n-- choose: select id from facturas where false\n"
        "select count(*) from facturas where id = $1;\n"
        "-- name: buena\nselect count(*) from facturas",
        encoding="utf-8",
    )
    plan = replace(PLAN, queries=CriticalQueries(path, timeout_seconds=0.3))
    found, notes = critical.measured_quietly(settings, plan)
    assert [each.result for each in found] == ["not compared"] * 3 + ["same"]
    assert "nada" in notes[0]
    assert notes[1] == "lenta: not measured: DuckDB took too long"
    assert notes[2] == "vacía: not measured: no row is there to choose its parameters from"
    path.unlink()
    found, notes = critical.measured_quietly(settings, plan)
    assert found == []
    assert notes[0].startswith("the critical queries were not measured: cannot read")


# --- the proof after a load ---------------------------------------------------------------------


def test_a_row_that_is_not_in_the_sample_is_read_back_too(settings: Settings, legacy: Path) -> None:
    movements = next(table for table in PLAN.tables if "movimientos" in table.source_table)
    with duckdb.connect(str(legacy), read_only=True) as conn:
        keys = conn.execute(
            "select id from movimientos_inventario where rowid in (600, 3750) order by id"
        ).fetchall()
    named = "({})".format(", ".join(f"'{key}'" for (key,) in keys))
    execute(settings, f"update movimientos_inventario set usuario = 'x' where id in {named}")  # noqa: S608
    with Dbt(settings, PLAN) as dbt:
        dbt.parse()
        dbt.prove("fluxion", [movements.source_table], reads_back=True)
        sampled = execute(
            settings,
            "select count(*), count(*) filter (where key in "  # noqa: S608
            f"{named}) from compat_fluxion.muestra",
        )
    assert sampled == [(8 * 512, 0)]
    with psycopg.connect(settings.target_url or "", autocommit=True) as conn:
        proof = prove(conn, PLAN, [movements])
    assert {each.source_key: each.columns for each in proof.differences} == {
        key: ("usuario",) for (key,) in keys
    }
    answer = traspaso(settings, *RUN, "--phase", "3")
    assert answer.json["phases"][0]["rows"] == len(keys)


# --- the switch ---------------------------------------------------------------------------------


def test_a_file_that_changed_since_the_load_is_not_switched_from(
    settings: Settings, legacy: Path, tmp_path: Path
) -> None:
    grown = tmp_path / "fluxion.db"
    shutil.copy(legacy, grown)
    with duckdb.connect(str(grown)) as conn:
        conn.execute("update ubicaciones set nombre = 'otra' where id = 'tienda_01'")
    answer = traspaso(
        replace(settings, legacy_url=f"duckdb:///{grown}"), *RUN, "--phase", "4"
    )  # fmt: skip
    assert answer.code == 3
    assert f"it was {fingerprint(legacy)[:12]}" in answer.json["error"]["message"]
    assert "traspaso run fluxion --through 3" in answer.json["error"]["fix"]


def test_nothing_is_switched_while_a_row_is_not_as_in_the_file(settings: Settings) -> None:
    changed = (
        "update facturas set total_bs = total_bs {} 1 where id in (select min(id) from facturas)"
    )
    execute(settings, changed.format("+"))
    try:
        answer = traspaso(settings, *RUN, "--phase", "4")
    finally:
        execute(settings, changed.format("-"))
    assert answer.code == 1
    assert "differs in total_bs" in answer.json["error"]["message"]
    assert traspaso(settings, "status", "fluxion").json["switched"] is False


def test_the_switch_locks_nothing_and_keeps_the_hash_of_the_file(
    settings: Settings, legacy: Path
) -> None:
    with psycopg.connect(settings.target_url or "") as writer:
        writer.execute("lock table facturas, ubicaciones in row exclusive mode")
        answer = traspaso(settings, *RUN, "--phase", "4")
    assert answer.code == 0, answer
    now = traspaso(settings, "status", "fluxion").json
    assert (now["phase"], now["switched"]) == (4, True)
    assert now["switched_from"]["sha256"] == fingerprint(legacy)
    # The file may be gone: nothing reads it any more.
    away = replace(settings, legacy_url="duckdb:////nowhere/fluxion.db")
    checks = traspaso(away, "doctor", "fluxion").json
    assert [check["name"] for check in checks["checks"] if check["status"] == "fail"] == []
    assert traspaso(away, "plan", "fluxion").json["phases"][2]["tables"][0]["rows"] == 16
    assert traspaso(away, "validate", "fluxion").code == 3


def test_nothing_is_loaded_after_the_switch(settings: Settings) -> None:
    for command in (
        (*RUN, "--phase", "3"),
        (*RUN, "--through", "3"),
        ("fates", "fluxion", "retry", "--yes"),
        ("sync", "fluxion"),
    ):
        answer = traspaso(settings, *command)
        assert answer.code == 3, answer
        assert "is switched" in answer.json["error"]["message"]
        assert answer.json["error"]["fix"] == (
            "to go back first: traspaso rollback fluxion --to 3"
        )  # fmt: skip
    with Dbt(settings, PLAN) as dbt, pytest.raises(StepFailed, match="fluxion is switched"):
        dbt.load("tag:fluxion,tag:phase_2", "fluxion", run_id="", phase=2)


def test_what_is_written_since_the_switch_is_pending_and_named(settings: Settings) -> None:
    execute(settings, *WRITES)
    answer = traspaso(settings, "validate", "fluxion")
    assert (answer.code, answer.json["status"], answer.json["pending"]) == (0, "pass", 3)
    assert {
        found["source_table"]: found["problem"] for found in answer.json["differences"]
    } == PROBLEMS
    for table in answer.json["tables"]:
        assert (table["residue"], table["mismatches"]) == (0, 0)


# --- the way back -------------------------------------------------------------------------------


def test_the_way_back_keeps_and_names_what_was_written_since(settings: Settings) -> None:
    below = traspaso(settings, "rollback", "fluxion", "--to", "2", "--yes")
    assert below.code == 3
    assert "3 rows were written to PostgreSQL" in below.json["error"]["message"]
    assert "traspaso backup fluxion create" in below.json["error"]["fix"]

    back = traspaso(settings, "rollback", "fluxion", "--to", "3", "--yes")
    assert back.code == 0, back
    assert back.json["written"]["rows"] == dict.fromkeys(PROBLEMS, 1)
    assert {
        found["source_table"]: found["problem"] for found in back.json["written"]["differences"]
    } == PROBLEMS
    assert traspaso(settings, "status", "fluxion").json["switched"] is False
    written = "select nombre from conjuntos_sustituibles where id = 'nuevo'"
    assert execute(settings, written) == [("nuevo",)]


def test_it_is_not_loaded_over_before_a_backup_holds_it(settings: Settings) -> None:
    for command in (
        (*RUN, "--phase", "2"),
        ("fates", "fluxion", "retry", "--yes"),
        ("rollback", "fluxion", "--to", "1", "--yes"),
    ):
        answer = traspaso(settings, *command)
        assert answer.code == 3, answer
        assert "3 rows were written to PostgreSQL" in answer.json["error"]["message"]
    back_up(settings)
    answer = traspaso(settings, *RUN, "--phase", "2")
    assert answer.code == 0, answer
    proof = traspaso(settings, "validate", "fluxion").json
    assert (proof["status"], proof["pending"], proof["differences"]) == ("pass", 0, [])


# --- the clean-up -------------------------------------------------------------------------------


def test_after_the_stabilization_what_compared_with_the_file_goes_and_the_rows_stay(
    settings: Settings,
) -> None:
    answer = traspaso(settings, *RUN, "--phase", "4")
    assert answer.code == 0, answer
    answer = traspaso(settings, *RUN, "--phase", "5")
    assert answer.code == 3
    assert "stabilization period of 14 days is not over" in answer.json["error"]["message"]
    execute(
        settings,
        "update traspaso.steps set finished_at = finished_at - interval '14 days' where phase = 4",
    )
    away = replace(settings, legacy_url="duckdb:////nowhere/fluxion.db")
    answer = traspaso(away, *RUN, "--phase", "5")
    assert answer.code == 0, answer
    assert any("may be replaced now" in note for note in answer.json["phases"][0]["notes"])
    assert execute(settings, "select to_regnamespace('compat_fluxion')") == [(None,)]
    assert execute(settings, "select count(*) from items_facturas") == [(LINES,)]
    refused = traspaso(settings, "validate", "fluxion")
    assert refused.code == 3
    assert "traspaso rollback fluxion --to 4" in refused.json["error"]["fix"]


def test_with_the_file_the_way_back_from_the_clean_up_goes_to_where_it_loads(
    settings: Settings,
) -> None:
    away = replace(settings, legacy_url="duckdb:////nowhere/fluxion.db")
    for phase in ("4", "3"):
        answer = traspaso(away, "rollback", "fluxion", "--to", phase, "--yes")
        assert answer.code == 3
        assert "fluxion.db cannot be read" in answer.json["error"]["message"]
    answer = traspaso(settings, "rollback", "fluxion", "--to", "4", "--yes")
    assert answer.code == 0, answer
    assert traspaso(settings, "validate", "fluxion").json["status"] == "pass"
    answer = traspaso(settings, "rollback", "fluxion", "--to", "2", "--yes")
    assert answer.code == 0, answer
    assert answer.json["written"]["rows"] == {}
    assert execute(settings, "select count(*) from items_facturas") == [(0,)]
