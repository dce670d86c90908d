"""Shadow reads: the application's own queries, on the legacy tables and on the compat views.

Both sides of a comparison are in one REPEATABLE READ transaction that cannot write. The rows stay
on the server: sums of hashes are compared there; of a result that differs, the hashes come here
in order, a batch of each side at a time, and then a handful of rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from statistics import median
from typing import Any, LiteralString, NamedTuple, cast

import psycopg
from psycopg import sql

from runner.db import sql_text
from runner.errors import Refused
from runner.plan import Plan
from runner.recorded import Query
from runner.settings import Settings, redact
from runner.state import status

LIMIT = 1.10
ROUNDS = 5
TIMEOUT_SECONDS = 30.0
# Less than this is the clock's, not the view's.
_NOTICEABLE_MS = 0.5
_EXAMPLES = 5
_BATCH = 2_000

# The application's sessions are the database's own, not the runner's.
_OWN = (
    "TimeZone", "DateStyle", "IntervalStyle", "extra_float_digits", "bytea_output", "lc_monetary",
    "xmlbinary", "jit",
)  # fmt: skip
# By type: json in one spelling, numeric without trailing zeros.
_BY_VALUE = {
    114: sql.SQL("{}::pg_catalog.jsonb"),
    1700: sql.SQL("pg_catalog.trim_scale({})"),
}

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Options:
    """How to compare; `limit` is a ratio, 1.10 lets a query take a tenth longer."""

    timeout_seconds: float = TIMEOUT_SECONDS
    rounds: int = ROUNDS
    limit: float = LIMIT


@dataclass(frozen=True)
class Example:
    """A row that one side alone has: its first column, and all columns, as text."""

    key: str | None
    row: tuple[str | None, ...]


@dataclass
class Timing:
    """Milliseconds that a side took on the server, planning and execution; the last plan."""

    milliseconds: list[float] = field(default_factory=list)
    node: str = ""
    cost: float = 0.0

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.milliseconds)

    @property
    def plan(self) -> str:
        """The plan's top node and its cost."""
        return f"{self.node}, cost {self.cost:.0f}"


@dataclass
class Compared:
    """What was found of one query."""

    query: Query
    status: str = "same"
    rows: list[int] = field(default_factory=list)
    timings: list[Timing] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    pending: int = 0
    columns: list[str] = field(default_factory=list)
    count_only: tuple[int, int] = (0, 0)
    examples: tuple[list[Example], list[Example]] = field(default_factory=lambda: ([], []))
    messages: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    is_slow: bool = False

    @property
    def ratio(self) -> float | None:
        """The time on the compat views over that on the legacy tables."""
        if not self.timings:
            return None
        before, after = (timing.median for timing in self.timings)
        return after / before if before else None

    def to_json(self, *, values: bool) -> dict[str, Any]:
        """Return its entry in the JSON answer; whole rows only where they are asked for."""

        def found(side: int) -> list[dict[str, Any]]:
            return [
                {"key": example.key} | ({"row": list(example.row)} if values else {})
                for example in self.examples[side]
            ]

        def milliseconds(side: int) -> float | None:
            return round(self.timings[side].median, 3) if self.timings else None

        return {
            "name": self.query.name,
            "line": self.query.line,
            "tables": self.tables,
            "status": self.status,
            "pending": self.pending,
            "rows_legacy": self.rows[0] if self.rows else None,
            "rows_compat": self.rows[1] if self.rows else None,
            "milliseconds_legacy": milliseconds(0),
            "milliseconds_compat": milliseconds(1),
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            "columns": self.columns,
            "differences": {
                "rows_only_legacy": self.count_only[0],
                "rows_only_compat": self.count_only[1],
                "only_legacy": found(0),
                "only_compat": found(1),
            },
            "message": "; ".join(self.messages) or None,
            "warnings": self.warnings,
        }


@dataclass(frozen=True)
class _Side:
    """One of the two: where names are looked up, and the query as it is said there."""

    name: str
    path: str
    text: str
    parameters: tuple[str | None, ...]
    columns: tuple[str, ...] = ()
    types: tuple[int, ...] = ()

    @property
    def body(self) -> sql.SQL:
        # What the operator's file holds is SQL: there is nothing to quote.
        return sql.SQL(self.text)


class _Totals(NamedTuple):
    """What shadow_totals.sql says of one side."""

    rows: int
    values: str
    written: str
    places: str
    key_places: str


class _ElsewhereError(Exception):
    """A query that the two sides cannot be compared by; the text says why."""


class Shadow:
    """Compares queries one after the other on a connection in autocommit mode.

    Raises Refused where there is nothing to compare: nothing loaded yet, or switched already.
    """

    def __init__(
        self, conn: psycopg.Connection, settings: Settings, plan: Plan, options: Options
    ) -> None:
        self.conn = conn
        self.settings = settings
        self.plan = plan
        self.options = options
        self.tables = [*plan.source_tables]
        self.views = self._require_loaded()
        for name in _OWN:
            conn.execute(sql.SQL("reset {}").format(sql.Identifier(name)))
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        conn.read_only = True
        # What a driver prepares is planned for the one search path or for the other.
        conn.prepare_threshold = None
        self.paths = self._paths()

    def _require_loaded(self) -> set[str]:
        """Return the legacy tables that a compat view stands for."""
        system = self.plan.system
        if status(self.conn, system).switched:
            raise Refused(
                f"{system} is switched: its English names are the views",
                "shadow reads are for before the switch",
            )
        found = self.conn.execute(
            sql_text("shadow_compat_views.sql"),
            {"schema": self.plan.schemas.compat, "tables": self.tables},
        )
        views = {row[0] for row in found}
        if not views:
            raise Refused(
                f"nothing of {system} is loaded yet", f"traspaso run {system} --through 3"
            )
        return views

    def _paths(self) -> tuple[str, str]:
        """Return the search path of each side; the database's own one follows in both."""
        with self.conn.transaction(force_rollback=True):
            self.conn.execute("set local search_path to default")
            row = self.conn.execute("show search_path").fetchone()
        own = f", {row[0]}" if row and row[0] else ""
        legacy = sql.Identifier(self.settings.legacy_schema).as_string() + own
        return legacy, f"{sql.Identifier(self.plan.schemas.compat).as_string()}, {legacy}"

    def pending(self, tables: Sequence[str] | None = None) -> int:
        """Return how many writes to these legacy tables, or all, no load has brought."""
        row = self.conn.execute(
            sql_text("shadow_pending.sql"),
            {
                "system": self.plan.system,
                "tables": self.tables if tables is None else list(tables),
            },
        ).fetchone()
        return row[0] if row else 0

    def compare(self, query: Query) -> Compared:
        """Compare the two sides of a query. An error of it is an outcome; a lost server is not."""
        compared = Compared(query)
        side = ""
        sides = [
            _Side("legacy", self.paths[0], query.text, query.parameters),
            _Side("compat", self.paths[1], self._redirected(query), query.parameters),
        ]
        try:
            with self.conn.transaction(force_rollback=True):
                for place, given in enumerate(sides):
                    side = given.name
                    sides[place] = self._described(given)
                    relations = self._relations(given)
                    if place == 0:
                        compared.tables = relations
                        compared.pending = self.pending(relations)
                    else:
                        self._require_views(relations)
                self._compare_rows(compared, sides)
                side = ""
                self._time(compared, sides)
        except _ElsewhereError as error:
            compared.status = "error"
            compared.messages = [f"{side}: {error}"]
        except psycopg.Error as error:
            if self.conn.closed or error.sqlstate is None:
                raise
            compared.status = "error"
            compared.messages = [self._said(error, side)]
        return compared

    def _redirected(self, query: Query) -> str:
        return query.redirected(
            self.settings.legacy_schema, set(self.tables), self.plan.schemas.compat
        )

    def _said(self, error: psycopg.Error, side: str) -> str:
        text = (error.diag.message_primary or str(error)).splitlines()[0]
        if isinstance(error, psycopg.errors.QueryCanceled):
            text += f" (--timeout {self.options.timeout_seconds:g}s)"
        return f"{side}: {redact(text, self.settings.target_url)}" if side else text

    def _execute(
        self, side: _Side, statement: sql.SQL | sql.Composed, *, cursor: str | None = None
    ) -> psycopg.Cursor[Row]:
        """Execute a statement around a side's query; with a name, as a cursor on the server."""
        timeout = f"{round(self.options.timeout_seconds * 1000)}ms"
        self.conn.execute(
            "select set_config('search_path', %s, true), set_config('statement_timeout', %s, true)",
            [side.path, timeout],
        )
        found: psycopg.Cursor[Row]
        if cursor is None:
            found = psycopg.RawCursor(self.conn)
        else:
            server = psycopg.RawServerCursor(self.conn, cursor)
            server.itersize = _BATCH
            # It has the methods of a cursor that are used here.
            found = cast("psycopg.Cursor[Row]", server)
        found.execute(statement, side.parameters or None)
        return found

    def _described(self, side: _Side) -> _Side:
        """Ask for the names and types of the columns, and that it is one query that reads."""
        statement = sql.SQL("select * from (\n{}\n) as resultado limit 0").format(side.body)
        with self._execute(side, statement) as cursor:
            columns = cursor.description or []
        if not columns:
            raise _ElsewhereError("it returns no column")
        return _Side(
            side.name, side.path, side.text, side.parameters,
            tuple(column.name for column in columns), tuple(c.type_code for c in columns),
        )  # fmt: skip

    def _relations(self, side: _Side) -> list[str]:
        """Return which legacy tables that are moved a query reads, as its plan has it."""
        plan = self._explain(side, "explain (verbose, format json) {}")
        found = {
            node["Relation Name"]
            for node in _nodes(plan["Plan"])
            if node.get("Schema") == self.settings.legacy_schema
        }
        return [table for table in self.tables if table in found]

    def _require_views(self, relations: Sequence[str]) -> None:
        """Raise when what ought to read the compat views reads legacy tables."""
        absent = [table for table in relations if table not in self.views]
        if absent:
            raise _ElsewhereError(
                f"{', '.join(absent)} not loaded yet: traspaso run {self.plan.system} --through 3"
            )
        if relations:
            raise _ElsewhereError(
                f"it reads the legacy {', '.join(relations)} here too: through a view, or under "
                "a name that is not schema.table"
            )

    def _explain(self, side: _Side, statement: LiteralString) -> dict[str, Any]:
        with self._execute(side, sql.SQL(statement).format(side.body)) as cursor:
            row = cursor.fetchone()
        found: dict[str, Any] = row[0][0] if row else {}
        return found

    def _compare_rows(self, compared: Compared, sides: Sequence[_Side]) -> None:
        legacy, compat = sides
        compared.columns = list(legacy.columns)
        if legacy.columns != compat.columns:
            _differs(
                compared,
                f"columns: legacy {', '.join(legacy.columns)}; compat {', '.join(compat.columns)}",
            )
        compared.warnings += self._other_types(legacy, compat)
        key = compared.query.sort_key(legacy.columns)
        totals = [self._totals(side, key) for side in sides]
        compared.rows = [total.rows for total in totals]
        if len(legacy.columns) != len(compat.columns):
            return
        if totals[0].values != totals[1].values:
            self._find_differences(compared, sides)
            return
        if totals[0].written != totals[1].written:
            compared.warnings.append(
                "the same values, written otherwise: decimals of a number, spaces in JSON"
            )
        if not compared.query.is_ordered or totals[0].places == totals[1].places:
            return
        if key is None:
            compared.warnings.append(
                "the same rows in another order: rows that tie, or another sorting"
            )
        elif totals[0].key_places != totals[1].key_places:
            _differs(compared, "the same rows, ordered otherwise")

    def _other_types(self, legacy: _Side, compat: _Side) -> list[str]:
        names: dict[int, str] = dict(
            self.conn.execute(
                "select oid, format_type(oid, null) from unnest(%s::oid[]) as found (oid)",
                [[*legacy.types, *compat.types]],
            ).fetchall()
        )
        return [
            f"{column} is {names[after]}, was {names[before]}"
            for column, before, after in zip(
                legacy.columns, legacy.types, compat.types, strict=False
            )
            if before != after
        ]

    def _totals(self, side: _Side, key: Sequence[int] | None) -> _Totals:
        parts = _parts(side)
        # By their values too: 1.0 sorts as 1.00 does.
        ordered = [_value(side, place) for place in key or []]
        statement = sql_text("shadow_totals.sql").format(
            **parts, key=sql.SQL(", ").join(ordered)
        )  # fmt: skip
        with self._execute(side, statement) as cursor:
            return _Totals(*(cursor.fetchone() or (0, "", "", "", "")))

    def _find_differences(self, compared: Compared, sides: Sequence[_Side]) -> None:
        cursors = [
            self._execute(
                side,
                sql_text("shadow_rows.sql").format(**_parts(side), first=sql.Identifier("c0")),
                cursor=f"sombra_{side.name}",
            )
            for side in sides
        ]
        counts, hashes = [0, 0], ([], [])  # type: tuple[list[int], tuple[list[int], list[int]]]
        for _, group in groupby(_merged(*map(iter, cursors)), key=lambda found: found[0][0]):
            here: tuple[list[int], list[int]] = ([], [])
            for (_, hashed), before, after in group:
                more = int(after > before)
                counts[more] += abs(after - before)
                if before != after and len(here[more]) < _EXAMPLES:
                    here[more].append(hashed)
            if any(here[side] and len(hashes[side]) < _EXAMPLES for side in (0, 1)):
                # A row is shown beside what the other side has under its key.
                for found, taken in zip(here, hashes, strict=True):
                    taken.extend(found[: max(1, _EXAMPLES - len(taken))])
        for cursor in cursors:
            cursor.close()
        compared.count_only = (counts[0], counts[1])
        compared.examples = (
            self._examples(sides[0], hashes[0]),
            self._examples(sides[1], hashes[1]),
        )
        _differs(compared, f"{counts[0]:,} rows only legacy, {counts[1]:,} only compat")
        compared.messages += self._not_loaded(compared.tables)
        if compared.query.is_arbitrary:
            compared.messages.append("LIMIT without ORDER BY takes any rows: say an order")

    def _not_loaded(self, tables: Sequence[str]) -> list[str]:
        """Say which rows of these legacy tables have no Spanish row of their own, and why."""
        found = self.conn.execute(
            "select source_table, fate, count(*) from traspaso.row_fates"
            " where system = %s and source_table = any(%s) group by 1, 2 order by 1, 2",
            [self.plan.system, list(tables)],
        )
        return [f"{fate} of {table}: {count:,}" for table, fate, count in found]

    def _examples(self, side: _Side, hashes: Sequence[int]) -> list[Example]:
        if not hashes:
            return []
        columns = [sql.Identifier(f"c{place}") for place in range(len(side.columns))]
        statement = sql_text("shadow_examples.sql").format(
            **_parts(side),
            texts=sql.SQL(", ").join([sql.SQL("{}::text").format(name) for name in columns]),
            hashes=sql.Literal(list(hashes)),
        )
        with self._execute(side, statement) as cursor:
            rows = sorted(cursor, key=lambda row: hashes.index(row[0]))
        return [Example(row[1], tuple(row[1:])) for row in rows]

    def _time(self, compared: Compared, sides: Sequence[_Side]) -> None:
        timings = [Timing(), Timing()]
        for number in range(self.options.rounds + 1):
            # Who is second finds the caches warm, and so both are by turns.
            for place in (0, 1) if number % 2 else (1, 0):
                found = self._explain(
                    sides[place], "explain (analyze, timing off, summary on, format json) {}"
                )
                timing = timings[place]
                timing.node = found["Plan"]["Node Type"]
                timing.cost = found["Plan"]["Total Cost"]
                if number:
                    timing.milliseconds.append(found["Planning Time"] + found["Execution Time"])
        compared.timings = timings
        before, after = (timing.median for timing in timings)
        if after > before * self.options.limit and after - before > _NOTICEABLE_MS:
            compared.is_slow = True
            compared.messages.append(
                f"{after / before:.2f} times as long: {before:.2f} ms before, {after:.2f} ms after"
            )
            if compared.status == "same":
                compared.status = "slower"


def _differs(compared: Compared, message: str) -> None:
    compared.status = "differs"
    compared.messages.append(message)


def _parts(side: _Side) -> dict[str, sql.Composable]:
    """Return what the statements around a query hold."""
    places = range(len(side.columns))
    return {
        "query": side.body,
        "names": sql.SQL(", ").join([sql.Identifier(f"c{place}") for place in places]),
        "columns": sql.SQL(", ").join([_value(side, place) for place in places]),
    }


def _value(side: _Side, place: int) -> sql.Composable:
    """Return a column so that equal values are the same text, as in the proofs."""
    form = _BY_VALUE.get(side.types[place], sql.SQL("{}"))
    return form.format(sql.Identifier(f"c{place}"))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "Relation Name" in plan:
        yield plan
    for below in plan.get("Plans", []):
        yield from _nodes(below)


def _merged(
    legacy: Iterator[Row], compat: Iterator[Row]
) -> Iterator[tuple[tuple[str, int], int, int]]:
    """Yield each (key, hash) with its count on both sides; both come in the same order."""
    before, after = next(legacy, None), next(compat, None)
    while before is not None or after is not None:
        least = min(row[:2] for row in (before, after) if row is not None)
        counts = [0, 0]
        if before is not None and before[:2] == least:
            counts[0], before = before[2], next(legacy, None)
        if after is not None and after[:2] == least:
            counts[1], after = after[2], next(compat, None)
        yield (least[0], least[1]), counts[0], counts[1]
