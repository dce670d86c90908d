"""How fast a DuckDB file gets into PostgreSQL, held against what could be.

Fluxion's file with invented rows into an embedded PostgreSQL, in several ways on copies of one
database with its twelve tables, empty and without keys, one way after the other, round after
round. Each is a process of its own: its start counts, and its memory is nobody else's.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from runner.bench.command import PeakMemory, Traspaso
from runner.bench.figures import Spread, figure, ratios
from runner.bench.loaders import CSV, CSV_ONE, CURSORS, DLT, LIMIT, TABLES, Keys, make_files
from runner.bench.migration import LOAD, PROOF, QUERIES, START, TRASPASO, Measurement, split
from runner.console import Cell, Console, size
from runner.db import connect, sql_text
from runner.errors import StepFailed, TraspasoError
from runner.fluxion_sample import create_fluxion
from runner.plan import load_plan
from runner.server import EmbeddedServer
from runner.settings import PROJECT_DIR

_SYSTEM = "fluxion"
# What is held against the limit is start and load together.
_PARTS = {
    START: (START,),
    LOAD: (LOAD,),
    f"{START} and {LOAD}": (START, LOAD),
    PROOF: (PROOF,),
    QUERIES: (QUERIES,),
}
_PREPARED, _COPY = "fluxion_prepared", "fluxion"


def comparison(measured: Mapping[str, Sequence[Measurement]]) -> list[list[Cell]]:
    """Return the rows of the one table: each method, and Traspaso's parts, against the limit."""
    limits = [found.seconds for found in measured[LIMIT]]
    lines: list[list[Cell]] = []
    for method, found in measured.items():
        if found[0].parts:
            for name, parts in _PARTS.items():
                seconds = [sum(each.parts[part] for part in parts) for each in found]
                lines.append(_line(f"{method}: {name}", seconds, limits, None, None))
        memory = max(each.memory for each in found)
        seconds = [each.seconds for each in found]
        lines.append(_line(method, seconds, limits, found[0].rows, memory))
    return lines


def _line(
    name: str,
    values: Sequence[float],
    limits: Sequence[float],
    rows: int | None,
    memory: int | None,
) -> list[Cell]:
    seconds, ratio = Spread.of(values), ratios(values, limits)
    return [
        name,
        *map(figure, (seconds.median, seconds.low, seconds.high)),
        None if rows is None else round(rows / seconds.median),
        None if memory is None else size(memory),
        *map(figure, (ratio.median, ratio.low, ratio.high)),
    ]


@dataclass
class Bench:
    """The file, the empty database, its copies, and what is done with them."""

    server: EmbeddedServer
    folder: Path
    console: Console
    file: Path = field(init=False)

    def __post_init__(self) -> None:
        self.file = self.folder / "fluxion.duckdb"

    def prepare(self, lines: int) -> int:
        """Make the file, the files of the limit, and the empty database; return the rows."""
        with self.console.progress(f"DuckDB file, {lines:,} lines"):
            # Its keys would take most of the time, and nobody here reads them.
            made = create_fluxion(self.file, lines=lines, keyed=False)
            make_files(self.file, self.folder)
        url = self.server.create_database(_PREPARED)
        with connect(url, autocommit=True) as conn:
            conn.execute("set search_path to public")
            conn.execute(sql_text("bench/fluxion.sql"))
        Keys.take_off(url).write(self.folder)
        return sum(made.rows.values())

    def measure(self, method: str) -> Measurement:
        """Do it once on a fresh copy."""
        with self.console.progress(method), self._copy(bare=method != TRASPASO) as url:
            found = self._traspaso(url) if method == TRASPASO else self._loader(method, url)
            with connect(url) as conn:
                rows = sum(_count(conn, table) for table in TABLES)
        return Measurement(**(vars(found) | {"rows": rows}))

    @contextmanager
    def _copy(self, *, bare: bool) -> Iterator[str]:
        """Hand out the URL of a fresh database, for as long as the block lasts."""
        copy = sql.SQL("create database {} template {}")
        template = _PREPARED if bare else "template1"
        with connect(self.server.url(), autocommit=True) as conn:
            conn.execute(copy.format(sql.Identifier(_COPY), sql.Identifier(template)))
            # Else what others left would be written to disk while the method runs.
            conn.execute("checkpoint")
        try:
            yield self.server.url(_COPY)
        finally:
            self.server.drop_database(_COPY)

    def _loader(self, method: str, url: str) -> Measurement:
        command = [
            sys.executable, "-m", "runner.bench.loaders", method, url, str(self.file),
            str(self.folder),
        ]  # fmt: skip
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=PROJECT_DIR,
            text=True,
        )
        try:
            with PeakMemory(process.pid) as memory:
                _, said = process.communicate()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if process.returncode != 0:
            last = said.strip().rsplit("\n", 1)[-1]
            raise StepFailed(f"{method} failed: {last}", "correct runner/bench/loaders.py")
        return Measurement(method, time.monotonic() - began, memory=memory.peak)

    def _traspaso(self, url: str) -> Measurement:
        command = Traspaso(url, self.folder, legacy=f"duckdb:///{self.file}")
        run = ("run", _SYSTEM, "--yes", "--ignore-window", "--through")
        # The others find their tables made.
        command(*run, "1")
        began = time.monotonic()
        answer, memory = command(*run, "3")
        seconds = time.monotonic() - began
        with connect(url) as conn:
            journal = conn.execute(sql_text("bench/journal.sql")).fetchall()
        parts, steps = split(seconds, answer)
        tables = {name: float(took) for name, took in journal}
        return Measurement(
            TRASPASO, seconds, memory=memory, parts=parts, steps=steps, tables=tables
        )


def _count(conn: psycopg.Connection, table: str) -> int:
    query = sql.SQL("select count(*) from public.{}").format(sql.Identifier(table))
    row = conn.execute(query).fetchone()
    return int(row[0]) if row else 0


def methods(console: Console) -> list[str]:
    """Return what can be measured here; what cannot is said."""
    found = [LIMIT, CURSORS, CSV, CSV_ONE]
    if find_spec("dlt") and find_spec("adbc_driver_postgresql"):
        found.append(DLT)
    else:
        console.log("dlt is left out: pip install 'traspaso[bench]'")
    try:
        load_plan(_SYSTEM)
    except TraspasoError:
        console.log(f"{TRASPASO} is left out: there is no plan for {_SYSTEM}")
    else:
        found.append(TRASPASO)
    return found


def bench(
    server: EmbeddedServer, folder: Path, console: Console, *, lines: int, rounds: int
) -> None:
    """Measure and print. Raises StepFailed where a method fails, or the methods disagree."""
    at_work = Bench(server, folder, console)
    rows = at_work.prepare(lines)
    measured: dict[str, list[Measurement]] = {method: [] for method in methods(console)}
    for _ in range(rounds):
        for method, found in measured.items():
            found.append(at_work.measure(method))
    counts = {found.method: found.rows for each in measured.values() for found in each}
    if set(counts.values()) != {rows}:
        raise StepFailed(
            f"not every method loaded the file's {rows} rows: {counts}",
            "correct runner/bench/loaders.py",
        )
    console.line(f"Fluxion, {rows:,} rows, clean; rounds: {rounds}; seconds, ratios to the limit")
    columns = ["", " median", "    min", "    max", "rows/s", "memory"]
    console.table([*columns, "  ratio", "    min", "    max"], comparison(measured))
