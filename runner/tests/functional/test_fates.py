import csv
import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from runner import fates
from runner.db import connect
from runner.errors import ExitCode, StepFailed, UsageProblem
from runner.settings import PROJECT_DIR

ROWS: tuple[tuple[str | list[str] | None, ...], ...] = (
    ("tinkubot", "users", "u2", "quarantined", ["telefono:not_null", "nombre:length"],
     "proveedores", None, '{"id": "u2", "price": 12345678901234567890.1200, "name": "Añá\\n"}'),
    ("tinkubot", "users", "u1", "merged", ["telefono:unique"], "clientes", "c1", '{"id": "u1"}'),
    ("tinkubot", "messages", "m1", "excluded", [], "mensajes", None, '{"id": "m1"}'),
    ("fluxion", "facturas", "f1", "quarantined", ["id:type"], "facturas", None, '{}'),
)  # fmt: skip


def evidence_ddl() -> str:
    """The tables as dbt's macro makes them."""
    text = (PROJECT_DIR / "macros/evidence/install_evidence.sql").read_text(encoding="utf-8")
    found = re.search(r"macro _evidence_tables.*?%\}(.*?)\{%- endmacro", text, re.DOTALL)
    assert found
    ddl = found[1].replace("{{ text_type }}", "text").replace("{{ json_type }}", "jsonb")
    ddl = ddl.replace("{{ transaction_type }}", "xid8 default pg_current_xact_id()")
    return re.sub(r"\{\{ evidence_relation\('(\w+)'\) \}\}", r"traspaso.\1", ddl)


@pytest.fixture
def reader(database: str, conn: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """Give a connection that cannot write to a database with evidence of two systems."""
    conn.execute(evidence_ddl())
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into traspaso.row_fates values"
            " (%s, %s, %s, %s, %s, %s, %s, %s, 'r', '2025-10-01 02:00:00-05')",
            ROWS,
        )
    with connect(database, autocommit=True, read_only=True) as connection:
        yield connection


@pytest.fixture
def nothing(database: str) -> Iterator[psycopg.Connection]:
    """Give a connection to a database that traspaso never touched."""
    with connect(database, autocommit=True, read_only=True) as connection:
        yield connection


def keys(found: list[fates.Fate]) -> list[str]:
    return [fate.source_key for fate in found]


def test_before_anything_was_run_there_are_none(
    nothing: psycopg.Connection, tmp_path: Path
) -> None:
    assert fates.list_fates(nothing, "tinkubot") == []
    assert fates.summary(nothing, "tinkubot") == []
    assert fates.export(nothing, "tinkubot", tmp_path / "filas.csv") == 0
    assert fates.export(nothing, "tinkubot", tmp_path / "filas.jsonl") == 0
    assert (tmp_path / "filas.csv").read_text().startswith("source_table,source_key,fate,")
    assert (tmp_path / "filas.jsonl").read_text() == ""


def test_rows_of_one_system_come_by_table_and_key(reader: psycopg.Connection) -> None:
    found = fates.list_fates(reader, "tinkubot")
    assert keys(found) == ["m1", "u1", "u2"]
    assert found[1].to_json() == {
        "source_table": "users",
        "source_key": "u1",
        "fate": "merged",
        "reasons": ["telefono:unique"],
        "target_table": "clientes",
        "target_key": "c1",
        "row": {"id": "u1"},
        "recorded_at": "2025-10-01T07:00:00+00:00",
    }
    json.dumps([fate.to_json() for fate in found])


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"fate": "merged"}, ["u1"]),
        ({"table": "messages"}, ["m1"]),
        ({"reason": "telefono:unique"}, ["u1"]),
        ({"reason": "telefono"}, ["u1", "u2"]),
        ({"reason": "length"}, ["u2"]),
        ({"reason": "tel"}, []),
        ({"limit": 2}, ["m1", "u1"]),
        ({"fate": "quarantined", "table": "users", "reason": "unique"}, []),
    ],
)
def test_filters_narrow_the_list(
    reader: psycopg.Connection, filters: dict[str, str | int], expected: list[str]
) -> None:
    assert keys(fates.list_fates(reader, "tinkubot", **filters)) == expected  # type: ignore[arg-type]


def test_the_summary_counts_a_row_under_each_of_its_reasons(reader: psycopg.Connection) -> None:
    assert [tuple(count.to_json().values()) for count in fates.summary(reader, "tinkubot")] == [
        ("messages", "excluded", None, 1),
        ("users", "merged", "telefono:unique", 1),
        ("users", "quarantined", "nombre:length", 1),
        ("users", "quarantined", "telefono:not_null", 1),
    ]


def test_jsonl_holds_every_digit_of_the_legacy_row(
    reader: psycopg.Connection, tmp_path: Path
) -> None:
    path = tmp_path / "filas.jsonl"
    assert fates.export(reader, "tinkubot", path) == 3
    text = path.read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    assert list(rows[0]) == [
        "source_table", "source_key", "fate", "reasons", "target_table", "target_key",
        "recorded_at", "row",
    ]  # fmt: skip
    assert rows[2]["row"]["name"] == "Añá\n"
    assert rows[2]["reasons"] == ["telefono:not_null", "nombre:length"]
    assert "12345678901234567890.1200" in text
    assert rows[0]["recorded_at"] == "2025-10-01T07:00:00+00:00"


def test_csv_holds_the_same_rows(reader: psycopg.Connection, tmp_path: Path) -> None:
    path = tmp_path / "filas.CSV"
    assert fates.export(reader, "tinkubot", path, fate="quarantined") == 1
    with path.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["source_key"] == "u2"
    assert row["reasons"] == "telefono:not_null; nombre:length"
    assert row["target_key"] == ""
    assert "12345678901234567890.1200" in row["row"]
    assert json.loads(row["row"])["name"] == "Añá\n"


def test_more_rows_than_a_batch_are_all_exported(
    reader: psycopg.Connection, conn: psycopg.Connection, tmp_path: Path
) -> None:
    conn.execute(
        "insert into traspaso.row_fates select 'grande', 't', n::text, 'excluded', '{}', 't',"
        " null, '{}', 'r', now() from generate_series(1, 2500) as n"
    )
    path = tmp_path / "filas.jsonl"
    assert fates.export(reader, "grande", path) == 2500
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len({json.loads(line)["source_key"] for line in lines}) == 2500


def test_the_file_is_for_its_owner_only_and_replaces_another(
    reader: psycopg.Connection, tmp_path: Path
) -> None:
    path = tmp_path / "filas.csv"
    path.write_text("viejo")
    path.chmod(0o644)
    fates.export(reader, "tinkubot", path)
    assert "viejo" not in path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_an_export_that_fails_leaves_the_file_as_it_was(
    reader: psycopg.Connection, conn: psycopg.Connection, tmp_path: Path
) -> None:
    path = tmp_path / "filas.jsonl"
    path.write_text("viejo")
    conn.execute("alter table traspaso.row_fates rename column reasons to razones")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        fates.export(reader, "tinkubot", path)
    assert path.read_text() == "viejo"
    assert list(tmp_path.iterdir()) == [path]
    # The connection serves on.
    assert reader.execute("select 1").fetchone() == (1,)


def test_a_path_that_cannot_be_written_is_a_clear_failure(
    reader: psycopg.Connection, tmp_path: Path
) -> None:
    (tmp_path / "filas.csv").mkdir()
    with pytest.raises(StepFailed, match=r"filas\.csv cannot be written"):
        fates.export(reader, "tinkubot", tmp_path / "filas.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["filas.csv"]


@pytest.mark.parametrize("name", ["filas.xlsx", "filas", "no/filas.csv"])
def test_another_extension_or_folder_is_a_usage_problem(
    reader: psycopg.Connection, tmp_path: Path, name: str
) -> None:
    with pytest.raises(UsageProblem) as caught:
        fates.export(reader, "tinkubot", tmp_path / name)
    assert caught.value.exit_code is ExitCode.USAGE
    assert list(tmp_path.iterdir()) == []
