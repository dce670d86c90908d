"""State of a migration, kept in the target's schema `traspaso`: runs, steps, operator's lock."""

import hashlib
import os
import socket
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any, Literal

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from runner.db import explain, sql_text
from runner.errors import Refused, StepFailed, Unreachable
from runner.plan import SWITCH_PHASE

# The step that says, once done, that its phase is over and proved.
PHASE_STEP = "phase"

# What state.sql makes.
_FIRST_TABLES = ("runs", "steps", "backups")
_TABLES = (*_FIRST_TABLES, "rehearsals")

RunStatus = Literal["succeeded", "failed", "refused", "interrupted"]
StepStatus = Literal["running", "done", "failed"]
State = Literal["idle", "running", "interrupted", "failed"]


@dataclass(frozen=True)
class Step:
    """One row of traspaso.steps; times are UTC."""

    system: str
    phase: int
    step: str
    run_id: uuid.UUID
    status: StepStatus
    started_at: datetime
    finished_at: datetime | None
    rows: int | None
    detail: dict[str, Any]


@dataclass(frozen=True)
class Status:
    """Where a system stands; `phase` is the last completed one, None before any."""

    phase: int | None
    state: State
    switched: bool
    run_id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the keys of `traspaso --json status`."""
        return {"phase": self.phase, "state": self.state, "switched": self.switched}


@dataclass(frozen=True)
class LockHolder:
    """The server session that holds the operator's lock; None where the role may not see it."""

    pid: int
    usename: str | None
    application_name: str | None
    client: str | None
    backend_start: datetime | None

    def __str__(self) -> str:
        since = f"{self.backend_start:%Y-%m-%d %H:%M:%S} UTC" if self.backend_start else "unknown"
        return (
            f"server process {self.pid}, user {self.usename or 'unknown'}, "
            f"application {self.application_name or 'unknown'}, "
            f"from {self.client or 'a local socket'}, since {since}"
        )


@dataclass(frozen=True)
class OperatorLock:
    """Proof that this session is the only one that moves the system."""

    conn: psycopg.Connection
    system: str

    def check(self) -> None:
        """Raise Unreachable when the lock was lost, as by a restart of the server."""
        try:
            holder = lock_holder(self.conn, self.system)
        except psycopg.OperationalError as error:
            raise explain(error) from None
        if holder is None or holder.pid != self.conn.info.backend_pid:
            raise Unreachable(
                f"the operator's lock on {self.system} was lost",
                "say the same command again: it continues",
            )


def install(conn: psycopg.Connection) -> None:
    """Create schema and tables of the state where they are missing; changes nothing otherwise."""
    if _has(conn, _TABLES):
        # Nothing to own, then: another role may continue what one began.
        return
    with conn.transaction():
        # Two first commands at once would both find no schema.
        conn.execute("select pg_catalog.pg_advisory_xact_lock(%s)", [_key("install")])
        conn.execute(sql_text("state.sql"))


def is_installed(conn: psycopg.Connection) -> bool:
    """Whether the state's tables are there, were it those of an earlier version."""
    return _has(conn, _FIRST_TABLES)


def has_rehearsals(conn: psycopg.Connection) -> bool:
    """Whether rehearsals can have been recorded here."""
    return _has(conn, ["rehearsals"])


def _has(conn: psycopg.Connection, tables: Sequence[str]) -> bool:
    row = conn.execute(
        "select bool_and(to_regclass('traspaso.' || name) is not null)"
        " from unnest(%s::text[]) as wanted (name)",
        [[*tables]],
    ).fetchone()
    return row is not None and bool(row[0])


@contextmanager
def operator_lock(conn: psycopg.Connection, system: str) -> Iterator[OperatorLock]:
    """Hold the system's lock as long as the block lasts, or the session, if that ends before.

    `conn` is in autocommit mode and used for nothing that may block for long. Raises Refused,
    naming the session that holds the lock.
    """
    if not conn.autocommit:
        raise ValueError("the operator's lock needs a connection in autocommit mode")
    row = conn.execute("select pg_catalog.pg_try_advisory_lock(%s)", [_key(system)]).fetchone()
    if row is None or not row[0]:
        holder = lock_holder(conn, system)
        raise Refused(
            f"another operator is moving {system}: {holder or 'it has ended just now'}",
            f"wait until it is done: traspaso status {system}; to stop it: "
            f"select pg_terminate_backend({holder.pid if holder else 'pid'})",
        )
    try:
        yield OperatorLock(conn, system)
    finally:
        if not conn.closed:
            conn.execute("select pg_catalog.pg_advisory_unlock(%s)", [_key(system)])


def lock_holder(conn: psycopg.Connection, system: str) -> LockHolder | None:
    """Find the session that moves the system now, None when nobody does."""
    with conn.cursor(row_factory=class_row(LockHolder)) as cursor:
        return cursor.execute(sql_text("lock_holder.sql"), {"key": _key(system)}).fetchone()


def _key(name: str) -> int:
    """Return a signed 64-bit key that is the same on every server and in every version."""
    digest = hashlib.sha256(f"traspaso:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def drop_left_temporaries(conn: psycopg.Connection, system: str, tables: Sequence[str]) -> None:
    """Drop the temporary tables that loads of these tables left in a crash of the server.

    To be called under the operator's lock: nobody else loads them.
    """
    found = conn.execute(
        sql_text("left_temporary_tables.sql"),
        {"tables": [*tables], "snapshots": rf"{system}\_\_%\_\_dbt\_tmp%"},
    ).fetchall()
    for schema, table in found:
        # A session that is just ending still holds its own, and removes it.
        with suppress(psycopg.errors.LockNotAvailable, psycopg.errors.UndefinedTable):
            conn.execute(sql.SQL("drop table {}").format(sql.Identifier(schema, table)))


def start_run(
    conn: psycopg.Connection,
    system: str,
    command: str,
    *,
    detail: Mapping[str, Any] | None = None,
) -> str:
    """Record that a command which moves the system begins; returns its run_id.

    To be called on the connection that holds the operator's lock: that is how `status` tells a
    run that works from one that was killed. An earlier run that still says running is marked
    as interrupted.
    """
    run_id = str(uuid.uuid4())
    parameters = {
        "run_id": run_id,
        "system": system,
        "command": command,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "detail": Jsonb(dict(detail or {})),
    }
    with conn.transaction():
        conn.execute(sql_text("start_run.sql"), parameters)
    return run_id


def finish_run(
    conn: psycopg.Connection,
    run_id: str,
    status: RunStatus,
    *,
    error: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Record how a run ended; `detail` is merged into what `start_run` noted."""
    with conn.transaction():
        cursor = conn.execute(
            "update traspaso.runs set status = %s, error = %s, finished_at = clock_timestamp(),"
            " detail = detail || %s where run_id = %s",
            [status, error, Jsonb(dict(detail or {})), run_id],
        )
    if cursor.rowcount != 1:
        raise StepFailed(f"run {run_id} is not in traspaso.runs", "say the command again")


def note_in_run(conn: psycopg.Connection, run_id: str, detail: Mapping[str, Any]) -> None:
    """Merge something into what the journal says of a run."""
    conn.execute(
        "update traspaso.runs set detail = detail || %s where run_id = %s",
        [Jsonb(dict(detail)), run_id],
    )


def run_detail(conn: psycopg.Connection, run_id: uuid.UUID) -> dict[str, Any]:
    """Return what the journal says of a run beside how it ended."""
    row = conn.execute("select detail from traspaso.runs where run_id = %s", [run_id]).fetchone()
    return row[0] if row else {}


def record_step(
    conn: psycopg.Connection,
    system: str,
    phase: int,
    step: str,
    *,
    run_id: str,
    status: StepStatus,
    rows: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Record a step in the caller's transaction: it is recorded if and only if it is done."""
    parameters = {
        "system": system,
        "phase": phase,
        "step": step,
        "run_id": run_id,
        "status": status,
        "rows": rows,
        "detail": Jsonb(dict(detail or {})),
    }
    conn.execute(sql_text("record_step.sql"), parameters)


def mark_synced(conn: psycopg.Connection, system: str, phases: Sequence[int]) -> None:
    """Note of completed phases that a sync changes what was recorded of their rows."""
    conn.execute(
        "update traspaso.steps set detail = detail || '{\"synced\": true}'"
        " where system = %s and step = %s and phase = any(%s)",
        [system, PHASE_STEP, [*phases]],
    )


def forget_steps(conn: psycopg.Connection, system: str, *, after: int) -> None:
    """Delete, in the caller's transaction, the steps of all phases after that one."""
    conn.execute("delete from traspaso.steps where system = %s and phase > %s", [system, after])


def steps(conn: psycopg.Connection, system: str) -> list[Step]:
    """Return the recorded steps by phase, then as they began; none before `install`."""
    if not is_installed(conn):
        return []
    with conn.cursor(row_factory=class_row(Step)) as cursor:
        return cursor.execute(
            "select system, phase, step, run_id, status, started_at, finished_at, rows, detail"
            " from traspaso.steps where system = %s order by phase, started_at, step",
            [system],
        ).fetchall()


def phase_step(conn: psycopg.Connection, system: str, phase: int) -> Step | None:
    """Return the step that says that a phase is completed; None while it is not."""
    for step in steps(conn, system):
        if step.phase == phase and step.step == PHASE_STEP and step.status == "done":
            return step
    return None


def status(conn: psycopg.Connection, system: str) -> Status:
    """Where a system stands; reads only, and works where nothing was ever installed."""
    if not is_installed(conn):
        return Status(phase=None, state="idle", switched=False)
    row = conn.execute(
        "select max(phase) from traspaso.steps where system = %s and step = %s and status = 'done'",
        [system, PHASE_STEP],
    ).fetchone()
    phase = row[0] if row else None
    state, run_id = _state(conn, system)
    switched = phase is not None and phase >= SWITCH_PHASE
    return Status(phase=phase, state=state, switched=switched, run_id=run_id)


def _state(conn: psycopg.Connection, system: str) -> tuple[State, str | None]:
    run = _last_run(conn, system)
    if run is None:
        return "idle", None
    if run.status == "running":
        holder = lock_holder(conn, system)
        if holder is not None and run.is_by(holder):
            return "running", run.run_id
        # It may have ended between the two questions.
        run = _last_run(conn, system) or run
    states: dict[str, State] = {
        "running": "interrupted",
        "interrupted": "interrupted",
        "failed": "failed",
    }
    return states.get(run.status, "idle"), run.run_id


@dataclass(frozen=True)
class _Run:
    run_id: str
    status: str
    backend_pid: int
    backend_start: datetime

    def is_by(self, holder: LockHolder) -> bool:
        # Where the role may not see when the session began, the pid must do.
        return holder.pid == self.backend_pid and holder.backend_start in {
            None,
            self.backend_start,
        }


def _last_run(conn: psycopg.Connection, system: str) -> _Run | None:
    # A refused run changed nothing: what the run before it left still stands.
    with conn.cursor(row_factory=class_row(_Run)) as cursor:
        return cursor.execute(
            "select run_id::text, status, backend_pid, backend_start from traspaso.runs"
            " where system = %s and status <> 'refused' order by started_at desc limit 1",
            [system],
        ).fetchone()


def keep_row_groups(
    conn: psycopg.Connection, system: str, compat: str, tables: Sequence[str]
) -> None:
    """Keep what the proof found in each row group of these tables of a file.

    The next load compares the groups that are not so any more. To be called where the proof holds.
    """
    values = {"system": system, "tables": [*tables], "engine": f"v{version('duckdb')}"}
    keep = sql_text("keep_row_groups.sql").format(
        first=sql.Identifier(compat, "sumas_legado_1"),
        second=sql.Identifier(compat, "sumas_legado_2"),
    )
    with conn.transaction():
        conn.execute(sql_text("forget_row_groups.sql"), values)
        # Each proof makes the tables anew.
        conn.execute(keep, values, prepare=False)
