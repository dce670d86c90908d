"""Ways to bring Fluxion's DuckDB file into PostgreSQL, each in a process of its own.

`python -m runner.bench.loaders METHOD URL FILE FOLDER`: the database has the tables without keys,
FOLDER the files that were made before. All leave the same keys, made by two sessions where nothing
else is said: a table's as soon as it is loaded, the foreign keys last.
"""

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from psycopg import sql

from runner.db import connect, sql_text
from runner.errors import StepFailed
from runner.fluxion_sample import FULL_SIZE
from runner.server import embedded_bin

LIMIT, CURSORS, DLT = "limit", "two cursors", "dlt"
CSV, CSV_ONE = "csv and \\copy", "csv and \\copy, one by one"

SESSIONS = 2
_KEYS = "keys.json"
_CHUNK = 1 << 20
_MEMORY = "256MB"
_BATCH_ROWS = 100_000
# For the server's own maintenance, which gives way after a second: a benchmark is in no hurry.
_LOCK_TIMEOUT_MS = 60_000
# In the order in which two sessions have the least to wait for each other.
TABLES = tuple(sorted(FULL_SIZE, key=lambda table: -FULL_SIZE[table]))

Work = Callable[[psycopg.Connection], object]


# --- keys ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Keys:
    """How the tables' keys and indexes are made, as statements."""

    of_table: dict[str, list[str]]
    foreign: list[str]
    validating: list[str]

    @classmethod
    def take_off(cls, url: str) -> "Keys":
        """Drop the keys of all tables; return how to make them again."""
        found = cls({table: [] for table in TABLES}, [], [])
        with connect(url, autocommit=True) as conn:
            rows = conn.execute(
                sql_text("bench/keys.sql"), {"tables": [f"public.{table}" for table in TABLES]}
            ).fetchall()
            for table, rank, drop, make in reversed(rows):
                conn.execute(drop)
                if rank < 2:  # noqa: PLR2004 foreign keys
                    found.of_table[table].append(make)
                    continue
                # Those that refer to one table can then be checked side by side.
                found.foreign.append(f"{make} not valid")
                name = make.split(" add constraint ")[1].split()[0]
                found.validating.append(f"alter table {table} validate constraint {name}")
        # Children take turns, the largest first: one is checked by one session at a time.
        found.validating[:] = sorted(found.validating, key=_turn(found.validating))
        return found

    @classmethod
    def read(cls, folder: Path) -> "Keys":
        """Read what `write` wrote."""
        return cls(**json.loads((folder / _KEYS).read_text(encoding="utf-8")))

    def write(self, folder: Path) -> None:
        """Keep them for other processes."""
        (folder / _KEYS).write_text(json.dumps(vars(self)), encoding="utf-8")


def _turn(statements: Sequence[str]) -> Callable[[str], tuple[int, int]]:
    def place(statement: str) -> tuple[int, int]:
        table = statement.split()[2]
        of_table = [each for each in statements if each.split()[2] == table]
        return of_table.index(statement), TABLES.index(table)

    return place


def build(url: str, keys: Keys, loads: dict[str, Work], sessions: int = SESSIONS) -> None:
    """Do the loads side by side, the largest first, and make each one's keys when it is done."""
    waiting = list(loads)
    makes: deque[str] = deque()
    running: dict[Future[object], str | None] = {}
    with _sessions(url, sessions) as submit:
        while waiting or makes or running:
            while (waiting or makes) and len(running) < sessions:
                # Loads first: measured, it is a tenth faster than a table's keys at once.
                table = waiting.pop(0) if waiting else None
                work = loads[table] if table else _saying(makes.popleft())
                running[submit(work)] = table
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
                table = running.pop(future)
                makes += keys.of_table[table] if table else []
        submit(_saying(*keys.foreign)).result()
        for future in [submit(_saying(statement)) for statement in keys.validating]:
            future.result()


def _saying(*statements: str) -> Work:
    def say(conn: psycopg.Connection) -> None:
        for statement in statements:
            conn.execute(statement.encode())

    return say


@contextmanager
def _sessions(url: str, count: int) -> Iterator[Callable[[Work], "Future[object]"]]:
    """Hand out what runs work in the next free session."""
    free = [connect(url, autocommit=True, lock_timeout_ms=_LOCK_TIMEOUT_MS) for _ in range(count)]
    opened = tuple(free)
    for conn in opened:
        conn.execute("set search_path to public")

    def run(work: Work) -> object:
        conn = free.pop()
        try:
            return work(conn)
        finally:
            free.append(conn)

    try:
        with ThreadPoolExecutor(count) as pool:
            yield lambda work: pool.submit(run, work)
    finally:
        for conn in opened:
            conn.close()


# --- methods ------------------------------------------------------------------------------------


def limit(url: str, _: Path, folder: Path) -> None:
    """Send ready-made files in PostgreSQL's own binary format."""

    def load(table: str) -> Work:
        def send(conn: psycopg.Connection) -> None:
            statement = sql.SQL("copy {} from stdin (format binary)").format(sql.Identifier(table))
            with (
                (folder / f"{table}.bin").open("rb") as file,
                conn.cursor() as cursor,
                cursor.copy(statement) as copy,
            ):
                while chunk := file.read(_CHUNK):
                    copy.write(chunk)

        return send

    build(url, Keys.read(folder), {table: load(table) for table in TABLES})


def make_files(file: Path, folder: Path) -> None:
    """Make the files of `limit`."""
    with _legacy(file) as conn:
        for table in TABLES:
            path = folder / f"{table}.bin"
            conn.execute(f"copy legacy.{table} to '{path}' (format postgres_binary)")


def cursors(url: str, file: Path, folder: Path) -> None:
    """Let two cursors of one DuckDB write into the attached PostgreSQL, a table each."""
    with _legacy(file) as conn:
        conn.execute(f"attach '{url}' as target (type postgres)")

        def load(table: str) -> Work:
            def insert(_: psycopg.Connection) -> None:
                with conn.cursor() as cursor:
                    cursor.execute(f"insert into target.public.{table} from legacy.{table}")

            return insert

        build(url, Keys.read(folder), {table: load(table) for table in TABLES})


def csv(url: str, file: Path, folder: Path) -> None:
    """Export CSV from DuckDB and load it with psql, two tables at a time."""
    with _legacy(file) as conn:
        build(url, Keys.read(folder), _by_csv(url, conn, folder))


def csv_one(url: str, file: Path, folder: Path) -> None:
    """Do the same one table after the other, as a script does; DuckDB as it is by itself."""
    with duckdb.connect() as conn:
        conn.execute(f"attach '{file}' as legacy (read_only)")
        build(url, Keys.read(folder), _by_csv(url, conn, folder), sessions=1)


def _by_csv(url: str, conn: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, Work]:
    psql = embedded_bin() / "psql"

    def load(table: str) -> Work:
        path = folder / f"{table}.csv"

        def export_and_copy(_: psycopg.Connection) -> None:
            with conn.cursor() as cursor:
                cursor.execute(f"copy legacy.{table} to '{path}' (format csv, header false)")
            command = f"\\copy {table} from '{path}' (format csv)"
            subprocess.run([psql, "-Xq", "-v", "ON_ERROR_STOP=1", "-c", command, url], check=True)
            path.unlink()

        return export_and_copy

    return {table: load(table) for table in TABLES}


def dlt(url: str, file: Path, folder: Path) -> None:
    """Let dlt load Arrow batches as Parquet files by ADBC, its fastest way; keys afterwards."""
    os.environ |= {
        "DLT_DATA_DIR": str(folder / "dlt"),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "LOAD__WORKERS": str(SESSIONS),
        "NORMALIZE__WORKERS": str(SESSIONS),
    }
    import dlt as tool  # noqa: PLC0415 an extra, and it takes seconds

    # It makes its own tables.
    with connect(url, autocommit=True) as conn:
        for table in TABLES:
            conn.execute(sql.SQL("drop table public.{}").format(sql.Identifier(table)))

    with _legacy(file) as source:

        def rows(table: str) -> Iterator[Any]:
            with source.cursor() as cursor:
                found = cursor.execute(f"from legacy.{table}")
                yield from found.to_arrow_reader(_BATCH_ROWS)

        def hints(table: str) -> dict[str, Any]:
            columns = source.table(f"legacy.{table}")
            # Else it gives them a zone.
            return {
                name: {"data_type": "timestamp", "timezone": False}
                for name, kind in zip(columns.columns, columns.types, strict=True)
                if str(kind) == "TIMESTAMP"
            }

        pipeline = tool.pipeline(
            "fluxion",
            destination=tool.destinations.postgres(_with_host(url)),
            dataset_name="public",
            pipelines_dir=str(folder / "dlt"),
        )
        found = pipeline.run(
            [tool.resource(rows(table), name=table, columns=hints(table)) for table in TABLES],
            loader_file_format="parquet",
        )
        found.raise_on_failed_jobs()
    build(url, Keys.read(folder), {table: _saying() for table in TABLES})


def _with_host(url: str) -> str:
    """Name a host and a password, which dlt demands; the socket's folder outvotes the host."""
    return url.replace("@/", ":none@localhost/", 1)


@contextmanager
def _legacy(file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Attach the file, in bounded memory, with DuckDB's PostgreSQL extension at hand."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY,
        # One a cursor: two cursors fill two cores, and more threads only take turns.
        "threads": 1,
        "preserve_insertion_order": False,
        "temp_directory": str(file.parent / "spill"),
    }
    with duckdb.connect(config=config) as conn:
        conn.execute(f"load '{_extension()}'")
        conn.execute(f"attach '{file}' as legacy (read_only)")
        yield conn


def _extension() -> Path:
    spec = find_spec("duckdb_extension_postgres_scanner")
    if spec is None or spec.origin is None:
        raise StepFailed(
            "DuckDB's PostgreSQL extension is missing",
            "pip install duckdb-extension-postgres-scanner",
        )
    folder = Path(spec.origin).parent / "extensions"
    return next(folder.glob("*/*.duckdb_extension"))


METHODS: dict[str, Callable[[str, Path, Path], None]] = {
    LIMIT: limit, CURSORS: cursors, CSV: csv, CSV_ONE: csv_one, DLT: dlt,
}  # fmt: skip


if __name__ == "__main__":
    METHODS[sys.argv[1]](sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
