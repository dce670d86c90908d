"""How long a phase will take: the rates of the last rehearsal, on today's rows."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from runner import state
from runner.plan import Plan, Table

# What an estimate may be wrong by: it must still fit into the window.
MARGIN = 1.25


@dataclass
class Lap:
    """A step that was timed, and the legacy tables on whose rows its time depends, if any.

    `weights` says how its time is shared by them, where it is not by their rows.
    """

    step: str
    seconds: float
    tables: list[str] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)

    def scaled(self, then: Mapping[str, int], now: Mapping[str, int]) -> float:
        """Return the seconds that it takes with other row counts."""
        weights = {
            name: self.weights.get(name, then[name]) for name in self.tables if then.get(name)
        }
        total = sum(weights.values())
        if not total:
            return self.seconds
        grown = sum(weight * now.get(name, 0) / then[name] for name, weight in weights.items())
        return self.seconds * grown / total


@dataclass
class Stopwatch:
    """Times the steps of one phase."""

    laps: list[Lap] = field(default_factory=list)

    @contextmanager
    def lap(self, step: str, tables: Sequence[Table] = ()) -> Iterator[Lap]:
        """Time a step; the weights may be filled in meanwhile."""
        lap = Lap(step, 0, [table.source_table for table in tables])
        began = time.monotonic()
        try:
            yield lap
        finally:
            lap.seconds = time.monotonic() - began
            self.laps.append(lap)


@dataclass
class Rehearsed:
    """What a rehearsal found of a phase, in seconds; None where there is nothing to go back to."""

    phase: int
    name: str
    seconds: float
    rollback_seconds: float | None
    laps: list[Lap]

    def to_json(self) -> dict[str, Any]:
        """Return its entry in the JSON answer of `rehearse`."""
        return {
            "phase": self.phase,
            "name": self.name,
            "seconds": round(self.seconds, 3),
            "rollback_seconds": (
                None if self.rollback_seconds is None else round(self.rollback_seconds, 3)
            ),
            "steps": [asdict(lap) for lap in self.laps],
        }


@dataclass
class Rehearsal:
    """A whole rehearsal; `rows` are those of each legacy table in the backup."""

    backup_id: str
    start_seconds: float
    rows: dict[str, int]
    phases: list[Rehearsed]
    recorded_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the keys of `traspaso --json rehearse`, the status left out."""
        return {
            "backup_id": self.backup_id,
            "start_seconds": round(self.start_seconds, 3),
            "rows": self.rows,
            "phases": [phase.to_json() for phase in self.phases],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any], recorded_at: datetime) -> "Rehearsal":
        """Read it back."""
        phases = [
            Rehearsed(**phase | {"laps": [Lap(**lap) for lap in laps]})
            for phase, laps in (
                ({k: v for k, v in entry.items() if k != "steps"}, entry["steps"])
                for entry in document["phases"]
            )
        ]
        return cls(**{**document, "phases": phases, "recorded_at": recorded_at})

    def record(self, conn: psycopg.Connection, system: str) -> None:
        """Keep it in traspaso.rehearsals."""
        conn.execute(
            "insert into traspaso.rehearsals (system, backup_id, detail) values (%s, %s, %s)",
            [system, self.backup_id, Jsonb(self.to_json())],
        )


@dataclass(frozen=True)
class Estimate:
    """What a phase will take, forward and back to where it began."""

    phase: int
    forward: timedelta
    back: timedelta

    @property
    def needed(self) -> timedelta:
        """What must be left of the window when the phase starts, a margin included."""
        return (self.forward + self.back) * MARGIN

    def latest_safe_start(self, closes: datetime) -> datetime:
        """Return when the phase must have begun, to be done and undone before `closes`."""
        return closes - self.needed

    def reversible_until(self, closes: datetime) -> datetime:
        """Return when the way back must begin, to end before `closes`."""
        return closes - self.back * MARGIN


def last_rehearsal(conn: psycopg.Connection, system: str) -> Rehearsal | None:
    """Return the newest rehearsal; None before any. Reads only."""
    if not state.has_rehearsals(conn):
        return None
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            "select detail, recorded_at from traspaso.rehearsals where system = %s"
            " order by recorded_at desc limit 1",
            [system],
        ).fetchone()
    return Rehearsal.from_json(row["detail"], row["recorded_at"]) if row else None


def estimates(
    rehearsal: Rehearsal | None, plan: Plan, rows: Mapping[str, int], *, done: int | None = None
) -> dict[int, Estimate]:
    """Return what each rehearsed phase will take with these rows; nothing without a rehearsal.

    `done` is the last completed phase: a backup that was verified is only compared again.
    """
    if rehearsal is None:
        return {}

    def laps(phase: Rehearsed) -> list[Lap]:
        if phase.phase == 0 and done is not None:
            reading = [lap for lap in phase.laps if lap.step == "record"]
            return [lap for lap in phase.laps if lap.step == "install"] + reading * 2
        return phase.laps

    return {
        phase.phase: Estimate(
            phase.phase,
            forward=timedelta(seconds=sum(lap.scaled(rehearsal.rows, rows) for lap in laps(phase))),
            back=timedelta(
                seconds=Lap("back", phase.rollback_seconds or 0, [*rehearsal.rows]).scaled(
                    rehearsal.rows, rows
                )
            ),
        )
        for phase in rehearsal.phases
        if phase.phase <= plan.phases[-1].number
    }
