"""The switch of a system whose legacy is a file, and the way back from it.

Its tables have the legacy's names already: no view is moved and nothing is locked. What is kept is
the hash of the file that the tables equalled; what differs from that file later was written to
PostgreSQL since, and is never taken away unless a verified backup holds it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from runner import backup, legacy_file, state
from runner.catalog import some, target_sums
from runner.db import sql_text
from runner.dbt import Dbt
from runner.errors import Refused, Unreachable
from runner.plan import CLEAN_UP_PHASE, CREATE_PHASE, SWITCH_PHASE, TRANSACTIONS_PHASE, Plan
from runner.settings import Settings
from runner.validate import Difference, Proof, prove

# The entry of phase 3's step that says what was written when a switch was taken back.
_MARK = "written"
_SHOWN_DIGITS = 12


@dataclass(frozen=True)
class Written:
    """Rows that PostgreSQL holds otherwise than the file it was switched from, by table.

    `unknown` says why that cannot be told: the file is not there any more.
    """

    sha256: str
    rows: dict[str, int] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    unknown: str | None = None

    @property
    def total(self) -> int:
        """How many rows that are."""
        return sum(self.rows.values())

    def __bool__(self) -> bool:
        return self.unknown is not None or self.total > 0

    def to_json(self) -> dict[str, Any]:
        """Return its entry in the JSON answer of `rollback`."""
        return {
            "rows": self.rows,
            "differences": [asdict(found) for found in self.differences],
            "unknown": self.unknown,
        }

    def __str__(self) -> str:
        if self.unknown is not None:
            return f"what was written to PostgreSQL since the switch cannot be told: {self.unknown}"
        tables = some([f"{table} {count:,}" for table, count in self.rows.items()])
        named = some([str(found) for found in self.differences])
        return (
            f"{self.total:,} rows were written to PostgreSQL since the switch: {tables} ({named})"
        )


def switched_at(conn: psycopg.Connection, plan: Plan) -> Mapping[str, Any] | None:
    """Return what the switch recorded: `file`, `sha256`, `rows` by table; None before it."""
    step = state.phase_step(conn, plan.system, SWITCH_PHASE)
    return None if step is None else step.detail | {"switched_at": step.finished_at}


def require_loaded_file(conn: psycopg.Connection, settings: Settings, plan: Plan) -> str:
    """Return the file's hash. Raises Refused where it is not the one that was loaded."""
    file = _file(settings)
    now = legacy_file.fingerprint(file)
    again = f"traspaso run {plan.system} --through {TRANSACTIONS_PHASE} --yes"
    for phase in range(CREATE_PHASE + 1, TRANSACTIONS_PHASE + 1):
        step = state.phase_step(conn, plan.system, phase)
        if step is None:
            raise Refused(f"phase {phase} was begun again, and is not completed", again)
        loaded = "".join(step.detail["picture"]["legacy"].values())
        if loaded != now:
            raise Refused(
                f"{file} has changed since phase {phase} loaded it: its SHA-256 is "
                f"{_short(now)}, it was {_short(loaded)}",
                f"bring what it holds now, which is a delta: {again}",
            )
    return now


def require_switched_file(conn: psycopg.Connection, settings: Settings, plan: Plan) -> None:
    """Raise Refused after the switch where the file is not the one that was switched from."""
    switched = switched_at(conn, plan)
    if switched is None:
        return
    if problem := _trouble(settings, switched["sha256"]):
        raise Refused(
            f"{plan.system} is switched: {problem}, so there is nothing to compare with",
            "point TRASPASO_LEGACY_URL at that file, if it was kept",
        )


def detail(settings: Settings, sha256: str, proof: Proof) -> dict[str, Any]:
    """Return what the switch records."""
    return {
        "file": str(_file(settings)),
        "sha256": sha256,
        "rows": {balance.source_table: balance.source_rows for balance in proof.balances},
        "writers_waited_seconds": 0.0,
    }


def was_switched(conn: psycopg.Connection, plan: Plan) -> bool:
    """Whether PostgreSQL was written to as the real one: it is switched, or went back since."""
    return _hash(conn, plan) is not None


def make_proofs(conn: psycopg.Connection, settings: Settings, plan: Plan, dbt: Dbt) -> None:
    """Make again what phase 5 dropped, which needs the file. Raises Refused without it."""
    require_switched_file(conn, settings, plan)
    dbt.prepare(plan.system)
    dbt.prove(plan.system, plan.source_tables)


def written(conn: psycopg.Connection, settings: Settings, plan: Plan, dbt: Dbt) -> Written:
    """Compare every row with the file that was switched from."""
    sha256 = _hash(conn, plan) or ""
    if problem := _trouble(settings, sha256):
        return Written(sha256, unknown=problem)
    if state.status(conn, plan.system).phase == CLEAN_UP_PHASE:
        dbt.prepare(plan.system)
    dbt.prove(plan.system, plan.source_tables)
    proof = prove(conn, plan, plan.tables)
    query = sql_text("written.sql").format(
        differences=sql.Identifier(plan.schemas.compat, "diferencias")
    )
    return Written(sha256, dict(conn.execute(query).fetchall()), proof.differences)


def forget_switch(conn: psycopg.Connection, plan: Plan, found: Written) -> None:
    """Go back to the end of phase 3 in the journal; the rows that were written are noted there."""
    with conn.transaction():
        state.forget_steps(conn, plan.system, after=TRANSACTIONS_PHASE)
        _set_mark(conn, plan, found.to_json() | {"sha256": found.sha256} if found else None)


def require_kept(
    conn: psycopg.Connection, settings: Settings, plan: Plan, found: Written, command: str
) -> None:
    """Raise Refused unless the newest verified backup holds what was written as it is now."""
    tables = [*found.rows] if found.unknown is None else [*plan.target_tables]
    kept = backup.latest_verified(conn, plan.system)
    if kept is not None and kept.present:
        saved = backup.checksums_of(conn, kept.id)
        now = target_sums(conn, settings, tables)
        if all(saved.get(f"{settings.target_schema}.{name}") == each for name, each in now.items()):
            return
    raise Refused(
        f"{found}; no verified backup holds that as it is now",
        f"traspaso backup {plan.system} create, then verify, then {command}",
    )


def written_before(conn: psycopg.Connection, plan: Plan) -> Written | None:
    """Return what was written since a switch that was taken back; None where nothing was."""
    mark = _mark(conn, plan)
    if mark is None:
        return None
    differences = [Difference(**each) for each in mark["differences"]]
    named = tuple(replace(found, columns=tuple(found.columns)) for found in differences)
    return Written(mark["sha256"], mark["rows"], named, mark["unknown"])


def require_reload_kept(conn: psycopg.Connection, settings: Settings, plan: Plan) -> None:
    """Refuse to load the file over what was written since a switch that was taken back.

    Unless a verified backup holds it: then it may go, and that is noted.
    """
    found = written_before(conn, plan)
    if found is None:
        return
    command = f"the same command; or traspaso run {plan.system} --through 3 --yes, which backs up"
    require_kept(conn, settings, plan, found, command)
    _set_mark(conn, plan, None)


def _file(settings: Settings) -> Path:
    if settings.legacy_file is None:
        raise Unreachable(
            "TRASPASO_LEGACY_URL names no DuckDB file",
            "export TRASPASO_LEGACY_URL=duckdb:////folder/file.db",
        )
    return settings.legacy_file


def _trouble(settings: Settings, sha256: str) -> str | None:
    """Say why the file is not the one of that hash; None where it is."""
    try:
        file = _file(settings)
        now = legacy_file.fingerprint(file)
    except Unreachable as error:
        return error.message
    if now == sha256:
        return None
    return (
        f"{file} is not the file that it was switched from: its SHA-256 is {_short(now)}, that "
        f"one's {_short(sha256)}"
    )


def _short(sha256: str) -> str:
    return f"{sha256[:_SHOWN_DIGITS]}…"


def _hash(conn: psycopg.Connection, plan: Plan) -> str | None:
    known = switched_at(conn, plan) or _mark(conn, plan)
    return None if known is None else str(known["sha256"])


def _mark(conn: psycopg.Connection, plan: Plan) -> Mapping[str, Any] | None:
    step = state.phase_step(conn, plan.system, TRANSACTIONS_PHASE)
    return None if step is None else step.detail.get(_MARK)


def _set_mark(conn: psycopg.Connection, plan: Plan, mark: Mapping[str, Any] | None) -> None:
    conn.execute(
        sql_text("mark_step.sql"),
        {
            "system": plan.system,
            "phase": TRANSACTIONS_PHASE,
            "step": state.PHASE_STEP,
            "key": _MARK,
            "value": None if mark is None else Jsonb(dict(mark)),
        },
    )
