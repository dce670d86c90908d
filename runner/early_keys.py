"""Keys that are built while the last rows of a load still come, by a session that dbt leaves idle.

A load from a file brings the rows of all tables before it makes the first key, and writes the keys
down that it took off (`traspaso.keys_off`). When fewer tables are left than there are sessions, one
has nothing to do: it builds keys of the tables whose rows are all there, each in a transaction that
crosses it out. What it does not get done, or where two rows share a unique key, is left to the
load, which finds the rest written down. See docs/decisions/0064-early-keys.md.
"""

import threading
from contextlib import closing, suppress
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from runner.db import connect, sql_text
from runner.errors import TraspasoError

# Only the server's own maintenance is at work on the table; it gives way after a second.
_LOCK_TIMEOUT_MS = 5_000
_CANCEL_SECONDS = 5.0
# It may have begun a statement just after it was cancelled.
_CANCEL_AGAIN_SECONDS = 0.5


class EarlyKeys:
    """Builds keys in a thread of its own, as a context.

    Leaving it lets the last one be finished; an error cancels it.

    url        of the target database
    schema     where the final tables are
    session    settings of the session beside those of `runner.db.SESSION`
    name       how the session calls itself
    """

    def __init__(self, url: str, schema: str, session: dict[str, str], name: str) -> None:
        self._url = url
        self._schema = schema
        self._session = session
        self._name = name
        self._tables: set[str] = set()
        self._changed = threading.Condition()
        self._is_over = False
        self._conn: psycopg.Connection | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.take_no_more()
        while self._thread.is_alive():
            if kind is not None and self._conn is not None:
                with suppress(psycopg.Error):
                    self._conn.cancel_safe(timeout=_CANCEL_SECONDS)
            self._thread.join(None if kind is None else _CANCEL_AGAIN_SECONDS)

    def begin(self, tables: set[str]) -> None:
        """Build the keys of these tables, whose rows are there; may be told of more later."""
        with self._changed:
            if self._is_over:
                return
            self._tables |= tables
            if self._thread.ident is None:
                self._thread.start()
            self._changed.notify()

    def take_no_more(self) -> None:
        """Begin no other key; one that is being built is finished."""
        with self._changed:
            self._is_over = True
            self._changed.notify()

    def _work(self) -> None:
        # Whatever stops it: the load makes what is left, and says what is wrong.
        with suppress(psycopg.Error, TraspasoError):
            opened = connect(
                self._url, autocommit=True, lock_timeout_ms=_LOCK_TIMEOUT_MS,
                application_name=self._name,
            )  # fmt: skip
            with closing(opened) as conn:
                # Statements are written as the load's session saw the names.
                path = {"search_path": sql.Identifier(self._schema).as_string()}
                for setting, value in (self._session | path).items():
                    conn.execute("select pg_catalog.set_config(%s, %s, false)", [setting, value])
                self._conn = conn
                tried: set[tuple[str, int]] = set()
                while (tables := self._waiting_for()) is not None:
                    if not self._build_next(conn, tables, tried):
                        self._wait_for_more(tables)

    def _waiting_for(self) -> list[str] | None:
        with self._changed:
            return None if self._is_over else sorted(self._tables)

    def _wait_for_more(self, known: list[str]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_over or sorted(self._tables) != known)

    def _build_next(
        self, conn: psycopg.Connection, tables: list[str], tried: set[tuple[str, int]]
    ) -> bool:
        """Build the largest table's next key; return whether there was one."""
        found = conn.execute(
            sql_text("next_key_off.sql"),
            {
                "tables": tables,
                "tried_tables": [table for table, _ in tried],
                "tried_positions": [position for _, position in tried],
            },
        ).fetchone()
        if found is None:
            return False
        table, position, statement = found
        tried.add((table, position))
        with (
            suppress(psycopg.errors.UniqueViolation, psycopg.errors.LockNotAvailable),
            conn.transaction(),
        ):
            conn.execute(sql_text("hold_key_off.sql"), {"table": table})
            conn.execute(statement.encode())
            conn.execute(
                "delete from traspaso.keys_off where table_name = %s and position = %s",
                [table, position],
            )
        return True
