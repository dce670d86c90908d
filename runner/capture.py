"""Change capture: which legacy rows the application has written since they were loaded.

Triggers on the legacy tables note key and operation in `traspaso.changes`, in the application's
own transaction. A load that began after a change has seen it: that is told by the snapshot that
was taken before, not by time.

They fire once a statement and read its rows from a transition table: of one row that costs as much
as a trigger for each row, of many a fraction. Where that would miss rows, in partitions and tables
that inherit, they fire for each row. Docs: decision 0039.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b

import psycopg
from psycopg import sql

from runner import project
from runner.db import sql_text
from runner.plan import Plan
from runner.settings import Settings

_PREFIX = "traspaso_captura"


@dataclass(frozen=True)
class _Capture:
    """One trigger of a table and its function: when it fires, and which key it notes as what."""

    kind: str
    event: str
    row: str
    operation: str

    @property
    def trigger(self) -> str:
        return f"{_PREFIX}_{self.kind}"

    def function(self, system: str, table: str) -> str:
        name = f"captura_{self.kind}_{system}_{table}"
        if len(name) <= _LONGEST_NAME:
            return name
        # The server would cut it, and two tables might share what is left.
        sign = blake2b(name.encode(), digest_size=4).hexdigest()
        return f"{name[: _LONGEST_NAME - len(sign) - 1]}_{sign}"


_ROWS = (
    _Capture("alta", "insert", "new", "i"),
    _Capture("cambio", "update", "new", "u"),
    _Capture("baja", "delete", "old", "d"),
)
# The key that a row had before, where it has another one now: for each row, and seldom.
_OLD_KEY = _Capture("clave", "update", "old", "u")
_TRUNCATE = _Capture("vaciado", "truncate", "", "t")
_ALL = (*_ROWS, _OLD_KEY, _TRUNCATE)

# A trigger waits for the application's writers, and they would queue behind it.
_LOCK_TIMEOUT = "500ms"
_LONGEST_NAME = 63


@dataclass(frozen=True)
class _Form:
    """How a table is to be captured, as things are, and whether it is so."""

    by_row: bool
    any_column: bool
    captured: bool


def is_ours(trigger: str) -> bool:
    """Say whether a trigger of that name on a legacy table is one of the capture."""
    return trigger.startswith(_PREFIX)


def missing(conn: psycopg.Connection, settings: Settings, plan: Plan) -> list[str]:
    """Return the legacy tables whose writes are not captured, or as a former version did it.

    A file has no triggers to capture them.
    """
    if plan.reads_file:
        return []
    forms = _forms(conn, settings, plan.source_tables)
    return [name for name in plan.source_tables if name not in forms or not forms[name].captured]


def _forms(conn: psycopg.Connection, settings: Settings, tables: Sequence[str]) -> dict[str, _Form]:
    found = conn.execute(
        sql_text("captured_tables.sql"),
        {
            "schema": settings.legacy_schema,
            "tables": [*tables],
            "prefix": _PREFIX,
            "triggers": [each.trigger for each in _ALL],
            "by_level": [each.trigger for each in _ROWS],
            "by_column": _OLD_KEY.trigger,
        },
    )
    return {table: _Form(*form) for table, *form in found}


def owned(conn: psycopg.Connection, settings: Settings, plan: Plan) -> set[str]:
    """Return the legacy tables that the role may alter."""
    found = conn.execute(
        sql_text("owned_tables.sql"),
        {"schema": settings.legacy_schema, "tables": [*plan.source_tables]},
    )
    return {row[0] for row in found}


def install(conn: psycopg.Connection, settings: Settings, plan: Plan, table: str) -> None:
    """Capture the writes to a legacy table from now on. `conn` is in autocommit mode.

    Raises LockNotAvailable, with nothing done, while somebody writes in a long transaction.
    """
    key = project.legacy_keys(settings.project_dir, plan.system)[table]
    with _briefly(conn):
        form = _forms(conn, settings, [table])[table]
        for trigger in _former(_triggers(conn, settings, table)):
            _drop(conn, settings, table, trigger)
        for capture in _ALL:
            function = capture.function(plan.system, table)
            conn.execute(
                sql_text("capture_function.sql").format(
                    function=sql.Identifier(function),
                    rows=_noted(capture, plan.system, table, key, form),
                )
            )
            conn.execute(
                sql_text("capture_trigger.sql").format(
                    trigger=sql.Identifier(capture.trigger),
                    relation=sql.Identifier(settings.legacy_schema, table),
                    function=sql.Identifier(function),
                    **_fires(capture, key, form),
                )
            )
        _drop_former_function(conn, plan.system, table)
        # What was written before nobody has noted: all of it counts as written.
        conn.execute(
            "insert into traspaso.changes (system, source_table, source_key, operation)"
            " values (%s, %s, null, 't')",
            [plan.system, table],
        )


def remove(conn: psycopg.Connection, settings: Settings, plan: Plan) -> None:
    """Take the capture off every legacy table, one after the other; `conn` is in autocommit mode.

    Raises LockNotAvailable where somebody is in a long transaction; said again, it goes on.
    """
    for table in () if plan.reads_file else plan.source_tables:
        with _briefly(conn):
            for trigger in _triggers(conn, settings, table):
                _drop(conn, settings, table, trigger)
            for capture in _ALL:
                _drop_function(conn, capture.function(plan.system, table))
            _drop_former_function(conn, plan.system, table)


def _triggers(conn: psycopg.Connection, settings: Settings, table: str) -> list[str]:
    """Return which of our triggers a table has; asked first: to drop one takes a strong lock."""
    found = conn.execute(
        "select tgname from pg_catalog.pg_trigger"
        " where tgrelid = to_regclass(format('%%I.%%I', %s::text, %s::text))"
        " and starts_with(tgname::text, %s) and tgparentid = 0",
        [settings.legacy_schema, table, _PREFIX],
    )
    return [row[0] for row in found]


def _former(triggers: Sequence[str]) -> list[str]:
    """Return those that a former version made, and this one does not."""
    return [name for name in triggers if name not in {each.trigger for each in _ALL}]


def _drop(conn: psycopg.Connection, settings: Settings, table: str, trigger: str) -> None:
    conn.execute(
        sql.SQL("drop trigger {} on {}").format(
            sql.Identifier(trigger), sql.Identifier(settings.legacy_schema, table)
        )
    )


def _drop_function(conn: psycopg.Connection, name: str) -> None:
    function = sql.Identifier("traspaso", name)
    conn.execute(sql.SQL("drop function if exists {}()").format(function))


def _drop_former_function(conn: psycopg.Connection, system: str, table: str) -> None:
    """Drop the one function that a former version had for all triggers of a table."""
    _drop_function(conn, f"captura_{system}_{table}"[:_LONGEST_NAME])


def snapshot(conn: psycopg.Connection) -> str:
    """Return what is committed now: a load that begins later sees all of it."""
    row = conn.execute("select pg_catalog.pg_current_snapshot()::text").fetchone()
    return str(row[0]) if row else ""


def forget(
    conn: psycopg.Connection,
    system: str,
    tables: Sequence[str],
    seen: str,
    *,
    to_prove: bool = False,
) -> int:
    """Delete the changes to these legacy tables that a load saw; return how many.

    Those that one table of the load passed on to another ('p') were its own. `to_prove` keeps
    their keys in traspaso.unproved.
    """
    row = conn.execute(
        sql_text("forget_changes.sql"),
        {"system": system, "tables": [*tables], "seen": seen, "to_prove": to_prove},
    ).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _briefly(conn: psycopg.Connection) -> Iterator[None]:
    """Be in a transaction whose statements wait for a lock for a moment only."""
    with conn.transaction():
        conn.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(_LOCK_TIMEOUT)))
        yield


def _noted(
    capture: _Capture, system: str, table: str, key: Sequence[str], form: _Form
) -> sql.Composable:
    """Return the rows that a trigger's function notes."""
    each_row = capture is _OLD_KEY or form.by_row
    noted = sql.SQL(", ").join(
        [
            sql.Literal(system),
            sql.Literal(table),
            sql.NULL
            if capture is _TRUNCATE
            else key_text(capture.row if each_row else "fila", key),
            sql.Literal(capture.operation),
        ]
    )
    if capture is _TRUNCATE or each_row:
        return sql.SQL("values ({})").format(noted)
    return sql.SQL("select {} from filas as fila").format(noted)


def _fires(capture: _Capture, key: Sequence[str], form: _Form) -> dict[str, sql.Composable]:
    """Return the parts of a trigger's definition that say when it fires."""
    nothing = sql.SQL("")
    parts: dict[str, sql.Composable] = {
        "event": sql.SQL(capture.event),
        "filas": nothing,
        "level": sql.SQL("statement"),
        "condition": nothing,
    }
    if capture is _OLD_KEY:
        parts["level"] = sql.SQL("row")
        parts["condition"] = sql.SQL(
            'when ({} operator(pg_catalog.<>) {} collate pg_catalog."C")'
        ).format(key_text("old", key), key_text("new", key))
        # The condition costs each update a microsecond, the columns' names nothing: but they do
        # not tell of a key that another trigger has changed.
        if not form.any_column:
            columns = sql.SQL(", ").join(map(sql.Identifier, key))
            parts["event"] = sql.SQL("update of {}").format(columns)
    elif capture is not _TRUNCATE and form.by_row:
        parts["level"] = sql.SQL("row")
    elif capture is not _TRUNCATE:
        parts["filas"] = sql.SQL("referencing {} table as filas").format(sql.SQL(capture.row))
    return parts


def key_text(row: str, columns: Sequence[str]) -> sql.Composable:
    """Return the key's text as dbt's macro `row_key` has it, without an ordinal."""
    texts = [
        sql.SQL("coalesce({}::pg_catalog.text, '')").format(sql.Identifier(row, column))
        for column in columns
    ]
    if len(texts) == 1:
        return texts[0]
    return sql.SQL("pg_catalog.concat_ws(',', {})").format(sql.SQL(", ").join(texts))
