"""What the plan's hooks are told of a run: start and end of each phase, failures, the way back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from runner.catalog import some
from runner.console import Console
from runner.errors import Refused, StepFailed, TraspasoError, UsageProblem
from runner.notify import Notifier
from runner.outcome import PhaseOutcome, RunOutcome
from runner.plan import Phase, Plan
from runner.settings import Settings


@dataclass(frozen=True)
class Telling:
    """Tells whom the plan names; what a hook complains of goes into the phase's notes."""

    settings: Settings
    plan: Plan
    console: Console

    @property
    def notifier(self) -> Notifier:
        """The hooks of the plan."""
        return Notifier(self.plan, self.settings, self.console)

    @contextmanager
    def failures(
        self, outcome: RunOutcome, first: Phase, what: str | None = None
    ) -> Iterator[None]:
        """Tell of a failure or a refusal once everything is let go, then let it go on.

        It is of the phase that was under way, or of the first one; `what` names it otherwise.
        """
        began = datetime.now(UTC)
        try:
            yield
        except UsageProblem:
            raise
        except TraspasoError as error:
            self._failure(outcome, first, what, began, error)
            raise
        except KeyboardInterrupt:
            stopped = StepFailed("interrupted", "say the same command again: it continues")
            self._failure(outcome, first, what, began, stopped)
            raise

    def _failure(
        self,
        outcome: RunOutcome,
        first: Phase,
        what: str | None,
        began: datetime,
        error: TraspasoError,
    ) -> None:
        last = outcome.phases[-1] if outcome.phases else None
        under_way = last if last is not None and last.status != "succeeded" else None
        phase = under_way.phase if under_way else first.number
        complaints = self.notifier.tell(
            "refusal" if isinstance(error, Refused) else "failure",
            phase=phase,
            name=what or self.plan.phase(phase).name,
            status=error.status,
            run_id=outcome.run_id,
            started_at=under_way.started_at if under_way else began,
            finished_at=datetime.now(UTC),
            rows=under_way.rows if under_way else 0,
            message=error.message,
            fix=error.fix,
        )
        if under_way:
            under_way.notes += complaints

    def start(self, phase: Phase, run_id: str, done: PhaseOutcome) -> None:
        """Tell that a phase begins."""
        done.notes += self.notifier.tell(
            "start",
            phase=phase.number,
            name=phase.name,
            status="running",
            run_id=run_id,
            started_at=done.started_at,
        )

    def end(self, phase: Phase, run_id: str, done: PhaseOutcome) -> None:
        """Tell that a phase is over, and what comes next."""
        following = phase.number + 1
        command = f"run {self.plan.system} --phase {following}"
        if following > self.plan.phases[-1].number:
            command = f"validate {self.plan.system}"
        done.notes += self.notifier.tell(
            "end",
            phase=phase.number,
            name=phase.name,
            status=done.status,
            run_id=run_id,
            started_at=done.started_at,
            finished_at=datetime.now(UTC),
            rows=done.rows,
            message="; ".join(done.notes),
            next="traspaso "
            + (
                command
                if following <= self.plan.phases[-1].number
                else f"validate {self.plan.system}"
            ),
        )

    def rolled_back(
        self, to: int, outcome: RunOutcome, began: datetime, differences: Sequence[str]
    ) -> None:
        """Tell that a rollback is over."""
        self.notifier.tell(
            "rollback",
            phase=to,
            name=self.plan.phase(to).name,
            status="failed" if differences else "succeeded",
            run_id=outcome.run_id,
            started_at=began,
            finished_at=datetime.now(UTC),
            message=f"not as it was: {some([*differences])}"
            if differences
            else f"back to how it was after phase {to}",
            next=f"traspaso run {self.plan.system} --phase {to + 1}",
        )
