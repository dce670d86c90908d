"""How a run went, phase by phase: what `traspaso run` answers."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from runner.estimate import Stopwatch
from runner.validate import Proof


@dataclass
class PhaseOutcome:
    """How one phase went; seconds of wall time."""

    phase: int
    name: str
    status: str
    seconds: float
    rows: int = 0
    notes: list[str] = field(default_factory=list)
    watch: Stopwatch = field(default_factory=Stopwatch)
    reversible_until: datetime | None = None
    # The plan's critical queries, as measured once all was loaded.
    queries: list[dict[str, Any]] = field(default_factory=list)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def to_json(self) -> dict[str, Any]:
        """Return its entry in the JSON answer of `run`."""
        return {
            "phase": self.phase,
            "name": self.name,
            "status": self.status,
            "seconds": round(self.seconds, 3),
            "rows": self.rows,
            "notes": self.notes,
            "steps": [
                {"step": lap.step, "seconds": round(lap.seconds, 3)} for lap in self.watch.laps
            ],
            "reversible_until": (
                self.reversible_until.isoformat(timespec="seconds")
                if self.reversible_until
                else None
            ),
        } | ({"queries": self.queries} if self.queries else {})


@dataclass
class RunOutcome:
    """How a run went so far; it is filled phase by phase, also when one fails."""

    run_id: str | None = None
    phases: list[PhaseOutcome] = field(default_factory=list)
    proof: Proof | None = None
    # To import dbt and read the project, before the first phase.
    start_seconds: float = 0
    rehearsed: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the keys of `traspaso --json run`, the status left out."""
        return {
            "run_id": self.run_id,
            "start_seconds": round(self.start_seconds, 3),
            "phases": [phase.to_json() for phase in self.phases],
        }
