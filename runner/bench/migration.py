"""How fast a migration is, held against what could be.

TinkuBot in one database of an embedded PostgreSQL, done in three ways on copies of one prepared
database (clean legacy rows, the Spanish tables empty), one after the other, round after round:
the machine's mood falls on all of them alike, and their ratios mean more than their seconds.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue

import psycopg
from psycopg import sql

from runner.bench.command import PeakMemory, Traspaso
from runner.bench.figures import Spread, figure, ratios
from runner.console import Cell, Console, size
from runner.db import connect, sql_text
from runner.errors import StepFailed
from runner.plan import load_plan
from runner.sample import create_legacy
from runner.server import EmbeddedServer

LIMIT, DOCUMENTED, TRASPASO = "limit", "documented order", "traspaso"
START, LOAD, PROOF = "start", "load", "proof"

_SYSTEM = "tinkubot"
# A copy has the name of the database that was prepared: dbt parses a project anew for another.
_PREPARED, _COPY = "prepared", "tinkubot"
_LARGEST = "mensajes"
_SESSIONS = 2
_PHASES = (2, 3)
_MESSAGES_PER_SCALE = 3000


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
class Step:
    """A row of the journal: a table of a phase, or the phase itself."""

    phase: int
    name: str
    started_at: datetime
    finished_at: datetime


# --- arithmetic ---------------------------------------------------------------------------------


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
        *map(figure, (seconds.median, seconds.low, seconds.high)),
        None if part in {START, PROOF} else round(found[0].rows / seconds.median),
        None if part in {START, LOAD, PROOF} else size(max(each.memory for each in found)),
        *map(figure, (ratio.median, ratio.low, ratio.high)),
    ]


def whereabouts(found: Sequence[Mapping[str, float]]) -> list[list[Cell]]:
    """Return median, minimum and maximum of each name's seconds, and its share of the medians."""
    spreads = {name: Spread.of([each[name] for each in found]) for name in found[0]}
    total = sum(spread.median for spread in spreads.values())
    return [
        [
            name,
            *map(figure, (spread.median, spread.low, spread.high)),
            f"{spread.median / total:>5.0%}",
        ]
        for name, spread in spreads.items()
    ]


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
            self._run(url, "1")
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
        memory = self._run(url, "3")
        ended = datetime.now(UTC)
        with connect(url) as conn:
            journal = conn.execute(sql_text("bench/journal.sql")).fetchall()
        run_began = journal[0][4]
        parts, steps, tables = split(began, ended, run_began, [Step(*row[:4]) for row in journal])
        seconds = (ended - began).total_seconds()
        return Measurement(
            TRASPASO, seconds, memory=memory, parts=parts, steps=steps, tables=tables
        )

    def _run(self, url: str, through: str) -> int:
        command = Traspaso(url, self.folder)
        _, memory = command("run", _SYSTEM, "--through", through, "--yes", "--ignore-window")
        return memory


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


# --- all of it ---------------------------------------------------------------------------------


def bench(
    server: EmbeddedServer, folder: Path, console: Console, *, messages: int, rounds: int
) -> None:
    """Measure and print. Raises StepFailed where the methods disagree."""
    at_work = Bench(server, folder, console)
    rows = at_work.prepare(messages)
    measured: dict[str, list[Measurement]] = {LIMIT: [], DOCUMENTED: [], TRASPASO: []}
    for _ in range(rounds):
        for method, found in measured.items():
            found.append(at_work.measure(method))
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
