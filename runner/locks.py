"""Waiting for locks: briefly, again after a while, and not for ever.

A statement that waits for a lock makes others wait behind it. So each waits for a short time
only, gives way, and is said again after a random while, until the plan's patience is over.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from runner.console import Console
from runner.db import connect, explain, sql_text
from runner.errors import Locked, TraspasoError
from runner.plan import Plan
from runner.settings import Settings

T = TypeVar("T")

# The pauses between tries: random, up to twice as long each time, in seconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0
_SHOWN = 3


@dataclass(frozen=True)
class Holder:
    """A server session that holds a lock on a table that is moved; what is hidden is None."""

    pid: int
    usename: str | None
    application_name: str | None
    client: str | None
    xact_start: datetime | None
    relations: tuple[str, ...]

    def __str__(self) -> str:
        since = f"{self.xact_start:%H:%M:%S} UTC" if self.xact_start else "unknown"
        return (
            f"server process {self.pid} (user {self.usename or 'unknown'}, application "
            f"{self.application_name or 'unknown'}, from {self.client or 'a local socket'}, in a "
            f"transaction since {since}) holds {', '.join(self.relations)}"
        )


def holders(settings: Settings, plan: Plan, *, alters_legacy: bool = False) -> list[Holder]:
    """Return who holds a lock that our statements wait for: on legacy tables, on final tables.

    Legacy tables that are only read (not `alters_legacy`) wait for the strongest lock alone. Asked
    on a connection of its own; empty when that is not to be had.
    """
    try:
        with (
            connect(settings.require_target(), autocommit=True, read_only=True) as conn,
            conn.cursor(row_factory=class_row(Holder)) as cursor,
        ):
            return cursor.execute(
                sql_text("table_lock_holders.sql"),
                {
                    "alters_legacy": alters_legacy,
                    "legacy_schema": settings.legacy_schema,
                    "legacy_tables": [*plan.source_tables],
                    "target_schema": settings.target_schema,
                    "target_tables": [*plan.target_tables],
                    "own_schemas": [plan.schemas.staging, plan.schemas.compat, "traspaso"],
                },
            ).fetchall()
    except (psycopg.Error, TraspasoError):
        return []


def keep_maintenance_off(conn: psycopg.Connection, schema: str, tables: Sequence[str]) -> None:
    """Lock weakly, in the caller's transaction, tables that are to be locked strongly.

    As the macro keep_maintenance_off does, and why.
    """
    if not tables:
        return
    names = sql.SQL(", ").join(sql.Identifier(schema, name) for name in tables)
    conn.execute(sql.SQL("lock table {} in share update exclusive mode").format(names))


def patiently(
    settings: Settings,
    plan: Plan,
    console: Console,
    action: Callable[[], T],
    *,
    alters_legacy: bool = False,
) -> T:
    """Do `action`, again while it raises Locked, until the plan's patience is over.

    The last Locked is raised then, with the names of those who hold the locks. `action` must
    leave nothing behind when it raises. `alters_legacy` where it alters the legacy tables.
    """

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        pause = state.next_action.sleep if state.next_action else 0
        console.log(f"waiting: {error}; again in {pause:.1f} s")

    def attempt() -> T:
        try:
            return action()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            raise explain(error, settings.target_url) from error

    retrying = Retrying(
        retry=retry_if_exception_type(Locked),
        stop=stop_after_delay(plan.lock_patience_seconds),
        wait=wait_random_exponential(multiplier=_FIRST_PAUSE, max=_LONGEST_PAUSE),
        before_sleep=tell,
        reraise=True,
    )
    try:
        return retrying(attempt)
    except Locked as error:
        found = holders(settings, plan, alters_legacy=alters_legacy)
        if not found:
            raise
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        named = "; ".join(str(holder) for holder in found[:_SHOWN])
        raise Locked(
            f"{error.message}: {named}{more}",
            f"{error.fix}; to end it: select pg_terminate_backend({found[0].pid})",
            table=error.table,
        ) from error
