"""TinkuBot for the tests: a legacy with rows written by hand, and the command line on it."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from runner.cli import main
from runner.db import connect, sql_text
from runner.server import PgServer
from runner.settings import PROJECT_DIR, Settings

Row = Mapping[str, object]

RUN = ("run", "tinkubot", "--through", "3", "--yes", "--ignore-window")
TABLES = {
    "users": ("proveedores", "clientes"),
    "customers": ("clientes",),
    "professions": ("profesiones",),
    "provider_professions": ("proveedor_profesiones",),
    "provider_services": ("servicios_proveedor",),
    "service_requests": ("solicitudes_servicio",),
    "messages": ("mensajes",),
    "sessions": ("sesiones",),
    "task_queue": ("tareas_programadas",),
    "consents": ("consentimientos",),
}
TARGETS = tuple(dict.fromkeys(name for names in TABLES.values() for name in names))


def uid(n: int) -> str:
    """Return the nth UUID."""
    return f"00000000-0000-4000-8000-{n:012d}"


@dataclass(frozen=True)
class Answer:
    """How a command ended, and what it said."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout; anything beside it is an error."""
        document = json.loads(self.stdout)
        assert isinstance(document, dict)
        return document

    def __str__(self) -> str:
        return f"exit {self.code}: {self.stdout.strip()} {self.stderr.strip()[-2000:]}"


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables that tell a command what the settings say."""
    said = {
        "TRASPASO_TARGET_URL": settings.target_url or "",
        "TRASPASO_LEGACY_SCHEMA": settings.legacy_schema,
        "TRASPASO_TARGET_SCHEMA": settings.target_schema,
        "TRASPASO_BACKUP_DIR": str(settings.backup_dir),
    }
    if settings.legacy_url:
        said["TRASPASO_LEGACY_URL"] = settings.legacy_url
    if settings.batch_rows:
        said["TRASPASO_BATCH_ROWS"] = str(settings.batch_rows)
    return said


def traspaso(settings: Settings, *arguments: str) -> Answer:
    """Say `traspaso --json …` in this process."""
    stdout, stderr = io.StringIO(), io.StringIO()
    code = 0
    with (
        patch.dict(os.environ, environment(settings)),
        redirect_stdout(stdout),
        redirect_stderr(stderr),
    ):
        try:
            main(["--json", *arguments])
        except SystemExit as end:
            code = int(end.code or 0)
    return Answer(code, stdout.getvalue(), stderr.getvalue())


def start_traspaso(settings: Settings, *arguments: str) -> subprocess.Popen[str]:
    """Say `traspaso --json …` in a process of its own, and do not wait for it."""
    return subprocess.Popen(
        [sys.executable, "-c", "from runner.cli import main; main()", "--json", *arguments],
        cwd=PROJECT_DIR,
        env=os.environ | environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def create_empty_legacy(conn: psycopg.Connection) -> None:
    """Create the legacy tables in the schema public, without a row."""
    conn.execute("set search_path to public")
    conn.execute(sql_text("legacy/tinkubot.sql"))


def insert(conn: psycopg.Connection, table: str, rows: Sequence[Row]) -> None:
    """Insert rows; a column that a row does not name gets its default."""
    for row in rows:
        statement = sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier("public", table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() * len(row)),
        )
        conn.execute(statement, list(row.values()))


@contextmanager
def new_database(pg: PgServer, name: str, backup_dir: Path) -> Iterator[Settings]:
    """Give the settings of a runner on a new database that lives as long as the block."""
    yield Settings(target_url=pg.create_database(name), backup_dir=backup_dir)
    pg.drop_database(name)


@dataclass(frozen=True)
class Migrated:
    """A database that was migrated, and questions to it."""

    settings: Settings
    conn: psycopg.Connection

    def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        """Return what a query finds."""
        with self.conn.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.encode(), parameters).fetchall()

    def row(self, table: str, key: object, column: str = "id") -> dict[str, Any] | None:
        """Return a row of a table or of a compat view by its id; None where it is not there."""
        schema, _, name = table.rpartition(".")
        query = sql.SQL("select * from {} where {} = {}").format(
            sql.Identifier(schema or "public", name), sql.Identifier(column), sql.Literal(key)
        )
        with self.conn.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute(query).fetchall()
        assert len(found) <= 1, f"{table} has {len(found)} rows of {column} {key}"
        return found[0] if found else None

    def value(self, table: str, key: object, column: str) -> Any:
        """Return one value of a row that must be there."""
        row = self.row(table, key)
        assert row is not None, f"{table} {key} is not there: {self.fates_of(key)}"
        return row[column]

    def fates_of(self, key: object) -> list[tuple[str, str, list[str], str | None]]:
        """Return (legacy table, fate, sorted reasons, target key) of a legacy row."""
        found = self.rows(
            "select source_table, fate, reasons, target_key from traspaso.row_fates"
            " where source_key = %s order by 1",
            str(key),
        )
        return [
            (row["source_table"], row["fate"], sorted(row["reasons"]), row["target_key"])
            for row in found
        ]

    def quarantined(self, table: str, key: object) -> list[str]:
        """Return the reasons why a row is quarantined; none where it is not."""
        return [
            reason
            for source, fate, reasons, _ in self.fates_of(key)
            if (source, fate) == (table, "quarantined")
            for reason in reasons
        ]

    def merged_into(self, table: str, key: object) -> tuple[list[str], str | None] | None:
        """Return the keys on which a row was merged and the row it was merged into."""
        for source, fate, reasons, target in self.fates_of(key):
            if (source, fate) == (table, "merged"):
                return reasons, target
        return None

    def repair(self, table: str, key: object, column: str) -> tuple[str, str | None, str | None]:
        """Return (rule, before, after) of a value that must have been repaired."""
        found = self.rows(
            "select rule, before, after from traspaso.repairs"
            " where source_table = %s and source_key = %s and column_name = %s",
            table, str(key), column,
        )  # fmt: skip
        assert len(found) == 1, f"{len(found)} repairs of {table}.{column} {key}"
        return found[0]["rule"], found[0]["before"], found[0]["after"]

    def repairs_of(self, table: str, key: object) -> set[str]:
        """Return the columns of a legacy row that were repaired."""
        found = self.rows(
            "select column_name from traspaso.repairs where source_table = %s and source_key = %s",
            table, str(key),
        )  # fmt: skip
        return {row["column_name"] for row in found}


@contextmanager
def asking(settings: Settings) -> Iterator[Migrated]:
    """Give a migrated database, asked in the runner's own session: times are UTC."""
    with connect(settings.require_target(), autocommit=True) as conn:
        yield Migrated(settings, conn)
