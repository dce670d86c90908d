"""A plan's critical queries: measured in the legacy's file and in the database, and compared.

Each is executed once for its rows, which both sides must agree on, once for its plan, and a few
times more for its time. Importing DuckDB takes a while: it is imported when it is needed.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any, Literal

import psycopg
from psycopg import sql

from runner import legacy_file
from runner.console import Console
from runner.db import connect, server_version
from runner.errors import TraspasoError
from runner.plan import CriticalQueries, Plan
from runner.recorded import Query, read_queries
from runner.settings import Settings, redact

Row = tuple[Any, ...]
# Executes a statement with its parameters, and gives all its rows.
Execute = Callable[[str, Sequence[Any]], list[Row]]
Result = Literal["same", "differs", "not compared"]

# How often a query is timed at most, and after how long that was often enough.
_ROUNDS = 5
_ENOUGH_SECONDS = 0.5
_DIGITS = 6

_EXPLAIN = {
    "DuckDB": "explain (analyze, format json) ",
    "PostgreSQL": "explain (analyze, buffers, format json) ",
}


@dataclass(frozen=True)
class Side:
    """How a query did in one engine; `seconds` is the median of the executions after the first."""

    engine: str
    first_seconds: float
    seconds: float
    executions: int
    plan: Any

    def to_json(self) -> dict[str, Any]:
        """Return its part of a query's entry."""
        return {
            "engine": self.engine,
            "first_seconds": round(self.first_seconds, 6),
            "seconds": round(self.seconds, 6),
            "executions": self.executions,
            "plan": self.plan,
        }


@dataclass
class Measured:
    """One query: both sides, as far as it got, and whether they returned the same rows."""

    query: Query
    parameters: Row = ()
    before: Side | None = None
    after: Side | None = None
    result: Result = "not compared"
    rows: int | None = None
    # How many rows only one side returned: the file, the database.
    only: tuple[int, int] = (0, 0)
    problem: str | None = None

    @property
    def note(self) -> str | None:
        """What must be said of it beside the figures."""
        if self.problem is not None:
            return f"{self.query.name}: not measured: {self.problem}"
        if self.result == "differs":
            return (
                f"{self.query.name}: other rows than before: {self.only[0]:,} only in the file, "
                f"{self.only[1]:,} only in PostgreSQL"
            )
        return None

    @property
    def ratio(self) -> float | None:
        """The time after over the time before; None where either was not measured."""
        if self.before is None or self.after is None or self.before.seconds <= 0:
            return None
        return round(self.after.seconds / self.before.seconds, 3)

    def to_json(self) -> dict[str, Any]:
        """Return what the journal keeps, and `run` and `status` answer."""
        return {
            "name": self.query.name,
            "query": self.query.text,
            "parameters": [None if value is None else str(value) for value in self.parameters],
            "before": self.before.to_json() if self.before else None,
            "after": self.after.to_json() if self.after else None,
            "ratio": self.ratio,
            "result": self.result,
            "rows": self.rows,
            "only_before": self.only[0],
            "only_after": self.only[1],
            "problem": self.problem,
        }


def measure(settings: Settings, plan: Plan) -> list[Measured]:
    """Measure the plan's queries; what is wrong with one of them is said in it.

    Raises TraspasoError where none can be measured.
    """
    if plan.queries is None or settings.legacy_file is None:
        return []
    queries = read_queries(plan.queries.path, f"traspaso run {plan.system} --phase 3", chosen=True)
    with (
        _in_file(settings, plan.queries) as (before, old),
        _in_database(settings, plan.queries) as (after, new),
    ):
        return [_measure(query, settings, (before, after), (old, new)) for query in queries]


def show(measured: Sequence[dict[str, Any]], console: Console) -> None:
    """Print what the journal keeps: query, before, after, ratio."""
    if not measured:
        return
    console.table(
        ["critical query", "before", "after", "ratio", "result"],
        [
            [
                found["name"],
                _seconds(found["before"]),
                _seconds(found["after"]),
                None if found["ratio"] is None else f"{found['ratio']:.2f}",
                found["result"],
            ]
            for found in measured
        ],
    )


def _seconds(side: dict[str, Any] | None) -> str | None:
    return None if side is None else f"{side['seconds'] * 1000:,.1f} ms"


def _measure(
    query: Query, settings: Settings, sides: tuple[Execute, Execute], engines: tuple[str, str]
) -> Measured:
    import duckdb

    found = Measured(query, query.parameters)
    try:
        if query.choose is not None:
            # From what is loaded: the file may hold dates that nothing can be counted from.
            chosen = next(iter(sides[1](query.choose, ())), None)
            if chosen is None:
                found.problem = "no row is there to choose its parameters from"
                return found
            found.parameters = chosen
        (old, before), (new, after) = (_first(side, query, found.parameters) for side in sides)
        found.before = _timed(sides[0], engines[0], query, found.parameters, before)
        found.after = _timed(sides[1], engines[1], query, found.parameters, after)
    except psycopg.errors.QueryCanceled:
        found.problem = "PostgreSQL took too long"
    except duckdb.InterruptException:
        found.problem = "DuckDB took too long"
    except (psycopg.Error, duckdb.Error) as error:
        found.problem = redact(str(error).splitlines()[0], settings.target_url)
    else:
        found.rows = new.total()
        found.only = ((old - new).total(), (new - old).total())
        found.result = "differs" if any(found.only) else "same"
    return found


def _first(execute: Execute, query: Query, values: Row) -> tuple[Counter[Row], float]:
    began = time.monotonic()
    rows = execute(query.text, values)
    seconds = time.monotonic() - began
    return Counter(tuple(map(_alike, row)) for row in rows), seconds


def _alike(value: Any) -> Any:
    """Write a number so that both engines' are equal; floats have digits that mean nothing."""
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        value = round(value, _DIGITS)
    if isinstance(value, int | float | Decimal):
        return Decimal(str(value)).normalize() + 0
    return value


def _timed(execute: Execute, engine: str, query: Query, values: Row, first: float) -> Side:
    seconds: list[float] = []
    while not seconds or (len(seconds) < _ROUNDS and sum(seconds) < _ENOUGH_SECONDS):
        began = time.monotonic()
        execute(query.text, values)
        seconds.append(time.monotonic() - began)
    (row,) = execute(_EXPLAIN[engine.split(maxsplit=1)[0]] + query.text, values)
    return Side(engine, first, median(seconds), len(seconds), row[-1])


@contextmanager
def _in_database(settings: Settings, queries: CriticalQueries) -> Iterator[tuple[Execute, str]]:
    conn = connect(settings.require_target(), autocommit=True, read_only=True)
    try:
        # What a driver prepares is planned without its parameters.
        conn.prepare_threshold = None
        conn.execute(
            "select set_config('search_path', %s, false),"
            " set_config('statement_timeout', %s, false)",
            [
                sql.Identifier(settings.target_schema).as_string(),
                f"{round(queries.timeout_seconds * 1000)}ms",
            ],
        )

        def execute(statement: str, values: Sequence[Any]) -> list[Row]:
            with psycopg.RawCursor(conn) as cursor:
                return cursor.execute(statement.encode(), values or None).fetchall()

        yield execute, f"PostgreSQL {server_version(conn)}"
    finally:
        conn.close()


@contextmanager
def _in_file(settings: Settings, queries: CriticalQueries) -> Iterator[tuple[Execute, str]]:
    import duckdb

    if settings.legacy_file is None:
        raise ValueError("there is no file")
    with legacy_file.reading(settings.legacy_file, settings.legacy_schema) as conn:

        def execute(statement: str, values: Sequence[Any]) -> list[Row]:
            timer = threading.Timer(queries.timeout_seconds, conn.interrupt)
            timer.start()
            try:
                rows: list[Row] = conn.execute(statement, list(values)).fetchall()
            finally:
                timer.cancel()
            if statement.startswith(_EXPLAIN["DuckDB"]):
                return [(json.loads(row[-1]),) for row in rows]
            return rows

        yield execute, f"DuckDB {duckdb.__version__}"


def measured_quietly(settings: Settings, plan: Plan) -> tuple[list[Measured], list[str]]:
    """Measure, and return what is to be noted: what is loaded and proved is never failed by it."""
    try:
        found = measure(settings, plan)
    except (TraspasoError, psycopg.Error, OSError) as error:
        return [], [f"the critical queries were not measured: {error}"]
    return found, [each.note for each in found if each.note]
