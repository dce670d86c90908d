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
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import psycopg
from psycopg import sql

from runner.bench.command import PeakMemory, Traspaso
from runner.bench.figures import Spread, figure, ratios
from runner.console import Cell, Console, size
from runner.db import connect, sql_text, table_checksum
from runner.errors import StepFailed
from runner.plan import load_plan
from runner.sample import create_legacy
from runner.server import EmbeddedServer

LIMIT, DOCUMENTED, TRASPASO = "limit", "documented order", "traspaso"
START, CREATE, LOAD, PROOF = "start", "create", "load", "proof"
# Of a file only: what they cost is no part of the proof.
QUERIES = "queries"

_SYSTEM = "tinkubot"
# What Traspaso starts from, after phase 0, and the others, whose tables are there: after phase 1.
_PREPARED, _CREATED, _COPY = "prepared", "created", "tinkubot"
_LARGEST = "mensajes"
# Its rows are numbered as they come.
_NUMBERED = "proveedor_profesiones"
_SESSIONS = 2
_PROOFS = {"proof", "record"}
_CREATE_PHASE = 1
_MESSAGES_PER_SCALE = 3000


@dataclass(frozen=True)
class Measurement:
    """One method in one round: wall seconds, rows in the Spanish tables, peak bytes of clients.

    `parts` are the seconds of start, create, load and proof; `steps` say in more detail where
    they went, in the order in which it happened, `tables` how long each table's load took, and
    `server` how long the server's statements did, by what they are for. Only Traspaso has them.
    `sums` are the checksums of the tables' rows, where the same are expected.
    """

    method: str
    seconds: float
    rows: int = 0
    memory: int = 0
    parts: Mapping[str, float] = field(default_factory=dict)
    steps: Mapping[str, float] = field(default_factory=dict)
    tables: Mapping[str, float] = field(default_factory=dict)
    server: Mapping[str, float] = field(default_factory=dict)
    sums: Mapping[str, str] = field(default_factory=dict)


# --- arithmetic ---------------------------------------------------------------------------------


def split(seconds: float, answer: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, float]]:
    """Say where the seconds of `run --through 3` went: parts and steps of a Measurement.

    The proof of a phase is what follows its load, the record of what it leaves included, the
    critical queries not. What is none of these nor the tables' creation is start.
    """
    steps = {"process, preflight, end": 0.0, "dbt, its project": float(answer["start_seconds"])}
    parts = {START: 0.0, CREATE: 0.0, LOAD: 0.0, PROOF: 0.0, QUERIES: 0.0}
    for phase in answer["phases"]:
        named = 0.0
        for step in phase["steps"]:
            name, took = step["step"], float(step["seconds"])
            named += took
            steps[f"{phase['phase']} {name}"] = steps.get(f"{phase['phase']} {name}", 0) + took
            if phase["phase"] == _CREATE_PHASE:
                parts[CREATE] += took
            elif name in {LOAD, QUERIES}:
                parts[name] += took
            elif name in _PROOFS and phase["phase"] > _CREATE_PHASE:
                parts[PROOF] += took
        steps[f"{phase['phase']} the rest"] = float(phase["seconds"]) - named
    steps["process, preflight, end"] = seconds - sum(steps.values())
    parts[START] = seconds - sum(parts.values())
    return parts, steps


def comparison(measured: Mapping[str, Sequence[Measurement]]) -> list[list[Cell]]:
    """Return the rows of the one table: the methods, and Traspaso's parts, against the limit."""
    limits = [found.seconds for found in measured[LIMIT]]
    lines: dict[str, list[float]] = {
        method: [found.seconds for found in measured[method]] for method in (LIMIT, DOCUMENTED)
    }
    ours = measured[TRASPASO]
    for part in (START, CREATE, LOAD, PROOF):
        lines[f"{TRASPASO}: {part}"] = [found.parts[part] for found in ours]
    lines[f"{TRASPASO}: all but the proof"] = [unproved(found) for found in ours]
    lines[f"{TRASPASO}: all of it"] = [found.seconds for found in ours]
    return [_line(name, values, limits, measured) for name, values in lines.items()]


def unproved(found: Measurement) -> float:
    """Return the seconds of Traspaso's start, create and load."""
    return found.seconds - found.parts[PROOF] - found.parts[QUERIES]


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
        None if part in {START, CREATE, PROOF} else round(found[0].rows / seconds.median),
        None if part in {START, CREATE, LOAD, PROOF} else size(max(each.memory for each in found)),
        *map(figure, (ratio.median, ratio.low, ratio.high)),
    ]


def whereabouts(found: Sequence[Mapping[str, float]]) -> list[list[Cell]]:
    """Return median, minimum and maximum of each name's seconds, and its share of the medians."""
    spreads = {name: Spread.of([each.get(name, 0) for each in found]) for name in found[0]}
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
    """Load the same rows into bare tables by hand-written SQL, then the keys, in two sessions."""
    with connect(url, autocommit=True) as conn:
        keys = conn.execute(
            sql_text("bench/keys.sql"), {"tables": list(_public(tables))}
        ).fetchall()
        for _, _, drop, _ in reversed(keys):
            conn.execute(drop)
    others = [make for table, _, _, make in keys if table != _LARGEST]
    largest = [make for table, _, _, make in keys if table == _LARGEST]
    with _sessions(url) as submit:
        rest = submit("bench/limit.sql", *others)
        submit("bench/limit_messages.sql")()
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
        rename = sql.SQL("alter database {} rename to {}")
        with self.console.progress("phase 0"):
            self._run(url, "0")
        with connect(self.server.url(), autocommit=True) as conn:
            conn.execute(rename.format(sql.Identifier(_COPY), sql.Identifier(_PREPARED)))
        with self.console.progress("phase 1"), self._copy(_PREPARED) as copy:
            self._run(copy, "1")
            with connect(self.server.url(), autocommit=True) as conn:
                conn.execute(rename.format(sql.Identifier(_COPY), sql.Identifier(_CREATED)))
        return sum(rows.values())

    def measure(self, method: str) -> Measurement:
        """Do it once on a fresh copy."""
        prepared = _PREPARED if method == TRASPASO else _CREATED
        with self.console.progress(method), self._copy(prepared) as url:
            tables = self._tables()
            if method == TRASPASO:
                found = self._measure_traspaso(url)
            else:
                found = _measure_here(method, url, tables)
            with connect(url) as conn:
                sums = {table: table_checksum(conn, "public", table) for table in tables}
        rows = sum(found.rows for found in sums.values())
        same = {
            name: each.checksum
            for name, each in sums.items()
            if method != DOCUMENTED and name != _NUMBERED
        }
        return replace(found, rows=rows, sums=same)

    def _tables(self) -> Sequence[str]:
        return load_plan(_SYSTEM).target_tables

    @contextmanager
    def _copy(self, prepared: str) -> Iterator[str]:
        """Hand out the URL of a copy of a prepared database, for as long as the block lasts."""
        copy = sql.SQL("create database {} template {}")
        with connect(self.server.url(), autocommit=True) as conn:
            conn.execute(copy.format(sql.Identifier(_COPY), sql.Identifier(prepared)))
            # Else the copying would be written to disk while the method runs.
            conn.execute("checkpoint")
        try:
            yield self.server.url(_COPY)
        finally:
            self.server.drop_database(_COPY)

    def _measure_traspaso(self, url: str) -> Measurement:
        with connect(self.server.url(), autocommit=True) as conn:
            conn.execute("create extension if not exists pg_stat_statements schema public")
            conn.execute("select public.pg_stat_statements_reset()")
            began = time.monotonic()
            answer, memory = self._run(url, "3")
            seconds = time.monotonic() - began
            conn.execute("set search_path to public")
            statements = sql_text("bench/server_seconds.sql")
            server = conn.execute(statements, {"database": _COPY}).fetchall()
        with connect(url) as conn:
            journal = conn.execute(sql_text("bench/journal.sql")).fetchall()
        parts, steps = split(seconds, answer)
        return Measurement(
            TRASPASO, seconds, memory=memory, parts=parts, steps=steps,
            tables={name: float(took) for name, took in journal},
            server={work: float(took) for work, took in server},
        )  # fmt: skip

    def _run(self, url: str, through: str) -> tuple[dict[str, Any], int]:
        command = Traspaso(url, self.folder)
        return command("run", _SYSTEM, "--through", through, "--yes", "--ignore-window")


def _measure_here(method: str, url: str, tables: Sequence[str]) -> Measurement:
    load = {LIMIT: limit, DOCUMENTED: documented}[method]
    with PeakMemory(os.getpid()) as memory:
        began = time.monotonic()
        load(url, tables)
        seconds = time.monotonic() - began
    return Measurement(method, seconds, memory=memory.peak)


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
    ours, limits = measured[TRASPASO][-1].sums, measured[LIMIT][-1].sums
    if others := [name for name, found in limits.items() if ours[name] != found]:
        raise StepFailed(
            f"the limit does not load the rows that Traspaso does: {', '.join(others)}",
            "correct runner/sql/bench/limit.sql",
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
        [unproved(found) for found in ours],
    )
    console.line(
        f"{DOCUMENTED} / {TRASPASO}, all but the proof: "
        f"{slower.median:.2f} ({slower.low:.2f} to {slower.high:.2f})"
    )
    console.line("\nWhere Traspaso's seconds go")
    console.table(["", *columns[1:4], "share"], whereabouts([found.steps for found in ours]))
    console.line("\nThe loads, side by side in each phase")
    console.table(["", *columns[1:4], "share"], whereabouts([found.tables for found in ours]))
    console.line("\nThe server's statements, of all sessions together")
    console.table(["", *columns[1:4], "share"], whereabouts([found.server for found in ours]))
