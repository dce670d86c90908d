"""How fast a migration is, held against what could be: `make bench`, `python -m runner.bench`.

TinkuBot in one database of an embedded PostgreSQL, done in three ways on copies of one prepared
database (clean legacy rows, the Spanish tables empty), one after the other, round after round:
the machine's mood falls on all of them alike, and their ratios mean more than their seconds.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from statistics import median
from typing import Self

import click
import psutil
import psycopg
from psycopg import sql

from runner.console import Cell, Console, size
from runner.db import connect, explain, sql_text
from runner.errors import StepFailed, TraspasoError
from runner.plan import load_plan
from runner.sample import create_legacy
from runner.server import EmbeddedServer
from runner.settings import PROJECT_DIR

LIMIT, DOCUMENTED, TRASPASO = "limit", "documented order", "traspaso"
START, LOAD, PROOF = "start", "load", "proof"

_SYSTEM = "tinkubot"
# A copy has the name of the database that was prepared: dbt parses a project anew for another.
_PREPARED, _COPY = "prepared", "tinkubot"
_LARGEST = "mensajes"
_SESSIONS = 2
_PHASES = (2, 3)
_MESSAGES_PER_SCALE = 3000
_SAMPLING_SECONDS = 0.05


@dataclass(frozen=True)
class Measurement:
    """One method in one round: wall seconds, rows in the Spanish tables, peak bytes of clients.

    `parts` are the seconds of start, load and proof; `steps` and `tables` say in more detail
    where they went, in the order in which it happened. Only Traspaso has them.
    """

    method: str
    seconds: float
    rows: int = 0
    memory: int = 0
    parts: Mapping[str, float] = field(default_factory=dict)
    steps: Mapping[str, float] = field(default_factory=dict)
    tables: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Spread:
    """Median, minimum and maximum of several values."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Summarize at least one value."""
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True)
class Step:
    """A row of the journal: a table of a phase, or the phase itself."""

    phase: int
    name: str
    started_at: datetime
    finished_at: datetime


# --- arithmetic ---------------------------------------------------------------------------------


def ratios(values: Sequence[float], limits: Sequence[float]) -> Spread:
    """Hold each round's value against that round's limit."""
    return Spread.of([value / limit for value, limit in zip(values, limits, strict=True)])


def split(
    began: datetime, ended: datetime, run_began: datetime, steps: Sequence[Step]
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Say where the seconds of `run --through 3` went: parts, steps and tables of a Measurement.

    A phase is loading from when its first table begins until its last one ends; what follows is
    its proof. All the rest is start, the end of the process too.
    """
    timeline = {"process, preflight": (began, run_began)}
    before, what = run_began, "dbt parses, the backup still holds"
    for phase in _PHASES:
        tables = [step for step in steps if step.phase == phase and step.name != "phase"]
        whole = next(step for step in steps if step.phase == phase and step.name == "phase")
        first = min(step.started_at for step in tables)
        last = max(step.finished_at for step in tables)
        timeline |= {
            what: (before, whole.started_at),
            f"{phase} seeds, views, snapshots": (whole.started_at, first),
            f"{phase} {LOAD}": (first, last),
            f"{phase} {PROOF}": (last, whole.finished_at),
        }
        before, what = whole.finished_at, "between the phases"
    timeline["end of the process"] = (before, ended)
    seconds = {name: (end - start).total_seconds() for name, (start, end) in timeline.items()}
    load, proof = (sum(seconds[f"{phase} {part}"] for phase in _PHASES) for part in (LOAD, PROOF))
    parts = {START: sum(seconds.values()) - load - proof, LOAD: load, PROOF: proof}
    by_table = {
        step.name: (step.finished_at - step.started_at).total_seconds()
        for step in steps
        if step.name != "phase"
    }
    return parts, seconds, by_table


def comparison(measured: Mapping[str, Sequence[Measurement]]) -> list[list[Cell]]:
    """Return the rows of the one table: the methods, and Traspaso's parts, against the limit."""
    limits = [found.seconds for found in measured[LIMIT]]
    lines: dict[str, list[float]] = {
        method: [found.seconds for found in measured[method]] for method in (LIMIT, DOCUMENTED)
    }
    ours = measured[TRASPASO]
    for part in (START, LOAD, PROOF):
        lines[f"{TRASPASO}: {part}"] = [found.parts[part] for found in ours]
    lines[f"{TRASPASO}: start + load"] = [found.parts[START] + found.parts[LOAD] for found in ours]
    lines[f"{TRASPASO}: all of it"] = [found.seconds for found in ours]
    return [_line(name, values, limits, measured) for name, values in lines.items()]


def _line(
    name: str,
    values: Sequence[float],
    limits: Sequence[float],
    measured: Mapping[str, Sequence[Measurement]],
) -> list[Cell]:
    method, _, part = name.partition(": ")
    found = measured[method]
    seconds, ratio = Spread.of(values), ratios(values, limits)
    return [
        name,
        *map(_figure, (seconds.median, seconds.low, seconds.high)),
        None if part in {START, PROOF} else round(found[0].rows / seconds.median),
        None if part in {START, LOAD, PROOF} else size(max(each.memory for each in found)),
        *map(_figure, (ratio.median, ratio.low, ratio.high)),
    ]


def whereabouts(found: Sequence[Mapping[str, float]]) -> list[list[Cell]]:
    """Return median, minimum and maximum of each name's seconds, and its share of the medians."""
    spreads = {name: Spread.of([each[name] for each in found]) for name in found[0]}
    total = sum(spread.median for spread in spreads.values())
    return [
        [
            name,
            *map(_figure, (spread.median, spread.low, spread.high)),
            f"{spread.median / total:>5.0%}",
        ]
        for name, spread in spreads.items()
    ]


def _figure(value: float) -> str:
    return f"{value:>7.2f}"


# --- the methods --------------------------------------------------------------------------------


def limit(url: str, tables: Sequence[str]) -> None:
    """Load clean rows into bare tables by hand-written SQL, keys afterwards, in two sessions."""
    with connect(url, autocommit=True) as conn:
        keys = conn.execute(
            sql_text("bench/keys.sql"), {"tables": list(_public(tables))}
        ).fetchall()
        for _, _, drop, _ in reversed(keys):
            conn.execute(drop)
    others = [make for table, _, _, make in keys if table != _LARGEST]
    largest = [make for table, _, _, make in keys if table == _LARGEST]
    with _sessions(url) as submit:
        rest = submit("bench/plain.sql", "bench/joined.sql", *others)
        submit("bench/joined_messages.sql")()
        # Whoever is free builds the next one.
        for wait in [submit(make) for make in largest]:
            wait()
        rest()


def documented(url: str, _: Sequence[str]) -> None:
    """Load as the source plan says: tables with their keys first, a lookup a row, one session."""
    with connect(url, autocommit=True) as conn:
        conn.execute("set search_path to public")
        conn.execute(sql_text("bench/plain.sql"))
        conn.execute(sql_text("bench/correlated.sql"))


def _public(tables: Sequence[str]) -> Iterator[str]:
    return (f"public.{name}" for name in tables)


Wait = Callable[[], None]


@contextmanager
def _sessions(url: str) -> Iterator[Callable[..., Wait]]:
    """Hand out what runs statements, or SQL files, in the next free session; ^C cancels them."""
    connections = [connect(url, autocommit=True) for _ in range(_SESSIONS)]
    free: SimpleQueue[psycopg.Connection] = SimpleQueue()
    for conn in connections:
        conn.execute("set search_path to public")
        free.put(conn)

    def run(statements: Sequence[str]) -> None:
        conn = free.get()
        try:
            for statement in statements:
                is_file = statement.endswith(".sql")
                conn.execute(sql_text(statement) if is_file else statement.encode())
        finally:
            free.put(conn)

    pool = ThreadPoolExecutor(_SESSIONS)
    try:
        yield lambda *statements: pool.submit(run, statements).result
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for conn in connections:
            conn.cancel_safe()
        raise
    finally:
        pool.shutdown()
        for conn in connections:
            conn.close()


# --- measuring ----------------------------------------------------------------------------------


class PeakMemory:
    """The most resident memory, in bytes, that a process and its children held, as a context."""

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._process = psutil.Process(pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.peak = max(self.peak, self._held())
            if self._stop.wait(_SAMPLING_SECONDS):
                return

    def _held(self) -> int:
        held = 0
        try:
            for process in (self._process, *self._process.children(recursive=True)):
                held += process.memory_info().rss
        except psutil.Error:
            # One of them has just ended.
            return 0
        return held


@dataclass
class Bench:
    """The prepared database, its copies, and what is done with them."""

    server: EmbeddedServer
    folder: Path
    console: Console

    def prepare(self, messages: int) -> int:
        """Make the clean legacy and the empty Spanish tables; returns the legacy's rows."""
        url = self.server.create_database(_COPY)
        with self.console.progress(f"legacy, {messages:,} messages"), connect(url) as conn:
            scale = max(messages // _MESSAGES_PER_SCALE, 1)
            rows = create_legacy(conn, scale=scale, dirt=0, messages=messages)
        with connect(url, autocommit=True) as conn:
            conn.execute("vacuum analyze")
        with self.console.progress("phases 0 and 1"):
            self._traspaso(url, "--through", "1")
        rename = sql.SQL("alter database {} rename to {}")
        with connect(self.server.url(), autocommit=True) as conn:
            conn.execute(rename.format(sql.Identifier(_COPY), sql.Identifier(_PREPARED)))
        return sum(rows.values())

    def measure(self, method: str) -> Measurement:
        """Do it once on a fresh copy."""
        with self.console.progress(method), self._copy() as url:
            tables = self._tables()
            if method == TRASPASO:
                found = self._measure_traspaso(url)
            else:
                found = _measure_here(method, url, tables)
            with connect(url) as conn:
                rows = sum(_count(conn, table) for table in tables)
        return Measurement(**(vars(found) | {"rows": rows}))

    def _tables(self) -> Sequence[str]:
        return load_plan(_SYSTEM).target_tables

    @contextmanager
    def _copy(self) -> Iterator[str]:
        """Hand out the URL of a copy of the prepared database, for as long as the block lasts."""
        copy = sql.SQL("create database {} template {}")
        with connect(self.server.url(), autocommit=True) as conn:
            conn.execute(copy.format(sql.Identifier(_COPY), sql.Identifier(_PREPARED)))
            # Else the copying would be written to disk while the method runs.
            conn.execute("checkpoint")
        try:
            yield self.server.url(_COPY)
        finally:
            self.server.drop_database(_COPY)

    def _measure_traspaso(self, url: str) -> Measurement:
        began = datetime.now(UTC)
        memory = self._traspaso(url, "--through", "3")
        ended = datetime.now(UTC)
        with connect(url) as conn:
            journal = conn.execute(sql_text("bench/journal.sql")).fetchall()
        run_began = journal[0][4]
        parts, steps, tables = split(began, ended, run_began, [Step(*row[:4]) for row in journal])
        seconds = (ended - began).total_seconds()
        return Measurement(
            TRASPASO, seconds, memory=memory, parts=parts, steps=steps, tables=tables
        )

    def _traspaso(self, url: str, *options: str) -> int:
        """Run `traspaso run` in a process of its own; returns the peak bytes of its memory."""
        command = ["run", _SYSTEM, *options, "--yes", "--ignore-window"]
        process = subprocess.Popen(
            [sys.executable, "-c", "from runner.cli import main; main()", "--json", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=PROJECT_DIR,
            env=self._environment(url),
            text=True,
        )
        try:
            with PeakMemory(process.pid) as memory:
                answer, _ = process.communicate()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if process.returncode != 0:
            raise StepFailed(f"traspaso failed: {answer.strip()}", "traspaso demo, to see why")
        return memory.peak

    def _environment(self, url: str) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PG", "TRASPASO_"))
        }
        return kept | {
            "TRASPASO_TARGET_URL": url,
            "TRASPASO_BACKUP_DIR": str(self.folder / "backups"),
            # What it leaves when it is ended goes with the folder.
            "TMPDIR": str(self.folder),
        }


def _measure_here(method: str, url: str, tables: Sequence[str]) -> Measurement:
    load = {LIMIT: limit, DOCUMENTED: documented}[method]
    with PeakMemory(os.getpid()) as memory:
        began = time.monotonic()
        load(url, tables)
        seconds = time.monotonic() - began
    return Measurement(method, seconds, memory=memory.peak)


def _count(conn: psycopg.Connection, table: str) -> int:
    query = sql.SQL("select count(*) from public.{}").format(sql.Identifier(table))
    row = conn.execute(query).fetchone()
    return int(row[0]) if row else 0


# --- the command --------------------------------------------------------------------------------


def bench(messages: int, rounds: int, console: Console) -> None:
    """Measure, print, and leave nothing behind. Raises StepFailed where the methods disagree."""
    folder = Path(tempfile.mkdtemp(prefix="traspaso-bench-"))
    # The server's user must be able to enter it.
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "pg")
    try:
        server.start()
        at_work = Bench(server, folder, console)
        rows = at_work.prepare(messages)
        measured: dict[str, list[Measurement]] = {LIMIT: [], DOCUMENTED: [], TRASPASO: []}
        for _ in range(rounds):
            for method, found in measured.items():
                found.append(at_work.measure(method))
    finally:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)
    _require_agreement(measured)
    _show(console, rows, rounds, measured)


def _require_agreement(measured: Mapping[str, Sequence[Measurement]]) -> None:
    counts = {found.method: found.rows for each in measured.values() for found in each}
    if len(set(counts.values())) != 1:
        raise StepFailed(
            f"the methods did not load the same number of rows: {counts}",
            "correct runner/sql/bench",
        )


def _show(
    console: Console, rows: int, rounds: int, measured: Mapping[str, Sequence[Measurement]]
) -> None:
    ours = measured[TRASPASO]
    console.line(
        f"TinkuBot, {rows:,} legacy rows, clean; rounds: {rounds}; seconds, and ratios to the limit"
    )
    columns = ["", " median", "    min", "    max", "rows/s", "memory"]
    console.table([*columns, "  ratio", "    min", "    max"], comparison(measured))
    slower = ratios(
        [found.seconds for found in measured[DOCUMENTED]],
        [found.parts[START] + found.parts[LOAD] for found in ours],
    )
    console.line(
        f"{DOCUMENTED} / {TRASPASO}'s start + load: "
        f"{slower.median:.2f} ({slower.low:.2f} to {slower.high:.2f})"
    )
    console.line("\nWhere Traspaso's seconds go")
    console.table(["", *columns[1:4], "share"], whereabouts([found.steps for found in ours]))
    console.line("\nThe loads, side by side in each phase")
    console.table(["", *columns[1:4], "share"], whereabouts([found.tables for found in ours]))


@click.command()
@click.option("--messages", type=click.IntRange(1), default=200_000, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
def main(messages: int, rounds: int) -> None:
    """Measure TinkuBot's migration against the practical limit and the documented order."""
    # Whoever ends the process wants the server gone too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console()
    try:
        bench(messages, rounds, console)
    except (TraspasoError, psycopg.Error) as error:
        known = error if isinstance(error, TraspasoError) else explain(error)
        console.error(known)
        sys.exit(int(known.exit_code))


if __name__ == "__main__":
    main()
