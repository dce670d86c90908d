"""Change capture: which legacy rows the application has written since they were loaded.

Triggers on the legacy tables note key and operation in `traspaso.changes`, in the application's
own transaction. A load that began after a change has seen it: that is told by the snapshot that
was taken before, not by time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql

from runner import project
from runner.db import sql_text
from runner.plan import Plan
from runner.settings import Settings

ROW_TRIGGER, TRUNCATE_TRIGGER = "traspaso_captura", "traspaso_captura_vaciado"

# A trigger waits for the application's writers, and they would queue behind it.
_LOCK_TIMEOUT = "500ms"
_LONGEST_NAME = 63


def missing(conn: psycopg.Connection, settings: Settings, plan: Plan) -> list[str]:
    """Return the legacy tables whose writes are not captured; a file has no triggers to do it."""
    if plan.reads_file:
        return []
    names = [table.source_table for table in plan.tables]
    found = conn.execute(
        sql_text("captured_tables.sql"),
        {
            "schema": settings.legacy_schema,
            "tables": names,
            "triggers": [ROW_TRIGGER, TRUNCATE_TRIGGER],
        },
    )
    captured = {row[0] for row in found}
    return [name for name in names if name not in captured]


def owned(conn: psycopg.Connection, settings: Settings, plan: Plan) -> set[str]:
    """Return the legacy tables that the role may alter."""
    names = [table.source_table for table in plan.tables]
    found = conn.execute(
        sql_text("owned_tables.sql"), {"schema": settings.legacy_schema, "tables": names}
    )
    return {row[0] for row in found}


def install(conn: psycopg.Connection, settings: Settings, plan: Plan, table: str) -> None:
    """Capture the writes to a legacy table from now on. `conn` is in autocommit mode.

    Raises LockNotAvailable, with nothing done, while somebody writes in a long transaction.
    """
    relation = sql.Identifier(settings.legacy_schema, table)
    function = _function(plan.system, table)
    key = project.legacy_keys(settings.project_dir, plan.system)[table]
    with _briefly(conn):
        conn.execute(
            sql_text("capture_function.sql").format(
                function=sql.Identifier(function),
                system=sql.Literal(plan.system),
                table=sql.Literal(table),
                new_key=_key("new", key),
                old_key=_key("old", key),
            )
        )
        for trigger, events in (
            (ROW_TRIGGER, "insert or update or delete"),
            (TRUNCATE_TRIGGER, "truncate"),
        ):
            conn.execute(
                sql.SQL(
                    "create or replace trigger {} after {} on {} for each {} execute function {}()"
                ).format(
                    sql.Identifier(trigger), sql.SQL(events), relation,
                    sql.SQL("statement" if trigger == TRUNCATE_TRIGGER else "row"),
                    sql.Identifier("traspaso", function),
                )
            )  # fmt: skip
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
    for table in () if plan.reads_file else (table.source_table for table in plan.tables):
        with _briefly(conn):
            for trigger in _triggers(conn, settings, table):
                conn.execute(
                    sql.SQL("drop trigger {} on {}").format(
                        sql.Identifier(trigger), sql.Identifier(settings.legacy_schema, table)
                    )
                )
            function = sql.Identifier("traspaso", _function(plan.system, table))
            conn.execute(sql.SQL("drop function if exists {}()").format(function))


def _triggers(conn: psycopg.Connection, settings: Settings, table: str) -> list[str]:
    """Return which of our triggers a table has; asked first: to drop one takes a strong lock."""
    found = conn.execute(
        "select tgname from pg_catalog.pg_trigger"
        " where tgrelid = to_regclass(format('%%I.%%I', %s::text, %s::text)) and tgname = any(%s)",
        [settings.legacy_schema, table, [ROW_TRIGGER, TRUNCATE_TRIGGER]],
    )
    return [row[0] for row in found]


def snapshot(conn: psycopg.Connection) -> str:
    """Return what is committed now: a load that begins later sees all of it."""
    row = conn.execute("select pg_catalog.pg_current_snapshot()::text").fetchone()
    return str(row[0]) if row else ""


def forget(conn: psycopg.Connection, system: str, tables: Sequence[str], seen: str) -> int:
    """Delete the changes to these legacy tables that a load saw; return how many.

    Those that one table of the load passed on to another ('p') were its own.
    """
    return conn.execute(
        "delete from traspaso.changes where system = %s and source_table = any(%s)"
        " and (operation = 'p' or"
        " pg_catalog.pg_visible_in_snapshot(transaction, %s::pg_snapshot))",
        [system, [*tables], seen],
    ).rowcount


@contextmanager
def _briefly(conn: psycopg.Connection) -> Iterator[None]:
    """Be in a transaction whose statements wait for a lock for a moment only."""
    with conn.transaction():
        conn.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(_LOCK_TIMEOUT)))
        yield


def _function(system: str, table: str) -> str:
    return f"captura_{system}_{table}"[:_LONGEST_NAME]


def _key(row: str, columns: Sequence[str]) -> sql.Composable:
    """Return the key's text as dbt's macro `row_key` has it, without an ordinal."""
    texts = [
        sql.SQL("coalesce({}::text, '')").format(sql.Identifier(row, column)) for column in columns
    ]
    if len(texts) == 1:
        return texts[0]
    return sql.SQL("pg_catalog.concat_ws(',', {})").format(sql.SQL(", ").join(texts))
