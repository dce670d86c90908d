"""The phases, forward and back: order, window, lock, journal, proofs.

A run that was killed is continued by saying the same command again: what a step did and that it
is done are written in one transaction, so a step is either done or was never begun.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from runner import backup, preflight, state
from runner.catalog import Picture, some, take_picture
from runner.console import Console
from runner.db import connect, explain
from runner.dbt import Dbt
from runner.errors import Refused, StepFailed, TraspasoError, UsageProblem
from runner.notify import Notifier
from runner.plan import Phase, Plan
from runner.rollback import Undone, plan_rollback, rollback
from runner.settings import Settings
from runner.state import PHASE_STEP
from runner.validate import Proof, prove

PREPARE, CREATE, MASTERS, TRANSACTIONS = range(4)

# How often the rows that the application wrote during the proof are brought, before it fails.
_ROUNDS = 3


@dataclass
class PhaseOutcome:
    """How one phase went; seconds of wall time."""

    phase: int
    name: str
    status: str
    seconds: float
    rows: int = 0
    notes: list[str] = field(default_factory=list)
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
        }


@dataclass
class RunOutcome:
    """How a run went so far; it is filled phase by phase, also when one fails."""

    run_id: str | None = None
    phases: list[PhaseOutcome] = field(default_factory=list)
    proof: Proof | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the keys of `traspaso --json run`, the status left out."""
        return {"run_id": self.run_id, "phases": [phase.to_json() for phase in self.phases]}


@dataclass
class Engine:
    """One system on one target database."""

    settings: Settings
    plan: Plan
    console: Console

    def run(
        self, phases: Sequence[int], outcome: RunOutcome, *, ignore_window: bool = False
    ) -> None:
        """Run phases in their order, continuing what was interrupted; fills `outcome`.

        Raises Refused (window, order, second operator), StepFailed or Unreachable; what was done
        before stays done.
        """
        with self._telling_failures(outcome, self.plan.phase(phases[0])):
            self._run(phases, outcome, ignore_window=ignore_window)

    def _run(self, phases: Sequence[int], outcome: RunOutcome, *, ignore_window: bool) -> None:
        url = self.settings.require_run_target()
        self._require_window(ignore_window=ignore_window)
        for number in phases:
            self.plan.phase(number)
        with (
            self._connection(url) as conn,
            self._operating(
                conn,
                f"run {phases[0]}-{phases[-1]}",
                outcome,
                require=lambda: self._require_ready(conn, phases),
            ) as lock,
            Dbt(self.settings, self.plan) as dbt,
        ):
            for number in [*phases, *self._later(conn, phases[-1])]:
                lock.check()
                self._run_phase(conn, dbt, self.plan.phase(number), outcome)

    def _require_ready(self, conn: psycopg.Connection, phases: Sequence[int]) -> None:
        """Raise what speaks against the run, before anything is written."""
        preflight.require(self.plan.system, preflight.checks(self.settings, self.plan, conn))
        self._require_order(conn, phases)

    def _later(self, conn: psycopg.Connection, last: int) -> list[int]:
        """Name the loaded phases after `last`: what is loaded again may change their parents."""
        done = state.status(conn, self.plan.system).phase or 0
        return [n for n in (MASTERS, TRANSACTIONS) if MASTERS <= last < n <= done]

    def rollback(self, to: int) -> Undone:
        """Undo the phases after `to`. Raises Refused, StepFailed or Unreachable."""
        began = datetime.now(UTC)
        outcome = RunOutcome()
        with self._telling_failures(outcome, self.plan.phase(to), "rollback"):
            undone = self._rollback(to, outcome)
        self.notifier.tell(
            "rollback",
            phase=to,
            name=self.plan.phase(to).name,
            status="failed" if undone.differences else "succeeded",
            run_id=outcome.run_id,
            started_at=began,
            finished_at=datetime.now(UTC),
            message=f"not as it was: {some(undone.differences)}"
            if undone.differences
            else f"back to how it was after phase {to}",
            next=f"traspaso run {self.plan.system} --phase {to + 1}",
        )
        return undone

    def _rollback(self, to: int, outcome: RunOutcome) -> Undone:
        url = self.settings.require_run_target()
        with self._connection(url) as conn:
            if not state.is_installed(conn):
                raise Refused(
                    f"{self.plan.system} was never run here",
                    f"traspaso status {self.plan.system}",
                )
            with self._operating(conn, f"rollback {to}", outcome):
                return rollback(conn, self.settings, self.plan, to)

    def preview_rollback(self, to: int) -> list[str]:
        """Say what a rollback would do; reads only."""
        with self._connection(self.settings.require_target(), read_only=True) as conn:
            return plan_rollback(conn, self.plan, to)

    def retry(self, outcome: RunOutcome) -> None:
        """Bring again what the loaded phases hold: rows that were put right leave quarantine."""
        with self._telling_failures(outcome, self.plan.phase(MASTERS)):
            self._retry(outcome)

    def _retry(self, outcome: RunOutcome) -> None:
        url = self.settings.require_run_target()
        with self._connection(url) as conn:
            loaded = state.status(conn, self.plan.system).phase or 0
            phases = [n for n in (MASTERS, TRANSACTIONS) if n <= loaded]
            if not phases:
                raise Refused(
                    f"nothing of {self.plan.system} is loaded yet",
                    f"traspaso run {self.plan.system} --through 2",
                )
            with (
                self._operating(conn, "fates retry", outcome),
                Dbt(self.settings, self.plan) as dbt,
            ):
                for number in phases:
                    self._run_phase(conn, dbt, self.plan.phase(number), outcome)

    # --- who is told ----------------------------------------------------------------------------

    @property
    def notifier(self) -> Notifier:
        """Tells whom the plan names."""
        return Notifier(self.plan, self.settings, self.console)

    @contextmanager
    def _telling_failures(
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
            self._tell_failure(outcome, first, what, began, error)
            raise
        except KeyboardInterrupt:
            stopped = StepFailed("interrupted", "say the same command again: it continues")
            self._tell_failure(outcome, first, what, began, stopped)
            raise

    def _tell_failure(
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

    def _tell_start(self, phase: Phase, run_id: str, done: PhaseOutcome) -> None:
        done.notes += self.notifier.tell(
            "start",
            phase=phase.number,
            name=phase.name,
            status="running",
            run_id=run_id,
            started_at=done.started_at,
        )

    def _tell_end(self, phase: Phase, run_id: str, done: PhaseOutcome) -> None:
        following = phase.number + 1
        command = f"run {self.plan.system} --phase {following}"
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
            + (command if following <= TRANSACTIONS else f"validate {self.plan.system}"),
        )

    # --- around a run ---------------------------------------------------------------------------

    @contextmanager
    def _connection(self, url: str, *, read_only: bool = False) -> Iterator[psycopg.Connection]:
        conn = connect(
            url, autocommit=True, lock_timeout_ms=self.plan.lock_timeout_ms, read_only=read_only
        )
        try:
            yield conn
        except psycopg.Error as error:
            raise explain(error, url) from error
        finally:
            conn.close()

    @contextmanager
    def _operating(
        self,
        conn: psycopg.Connection,
        command: str,
        outcome: RunOutcome,
        *,
        require: Callable[[], None] = lambda: None,
    ) -> Iterator[state.OperatorLock]:
        """Hold the operator's lock, and write how the run ends to the journal.

        `require` is asked under the lock, so that no other run changes what it looks at, and
        before the journal is touched.
        """
        with state.operator_lock(conn, self.plan.system) as lock:
            require()
            state.install(conn)
            outcome.run_id = state.start_run(conn, self.plan.system, command)
            try:
                yield lock
            except TraspasoError as error:
                status: state.RunStatus = "refused" if isinstance(error, Refused) else "failed"
                self._finish(conn, outcome.run_id, status, error.message)
                raise
            except psycopg.Error as error:
                self._finish(conn, outcome.run_id, "failed", str(error.diag.message_primary))
                raise
            state.finish_run(conn, outcome.run_id, "succeeded")

    def _finish(
        self, conn: psycopg.Connection, run_id: str, status: state.RunStatus, error: str
    ) -> None:
        # Where the connection is gone, the journal says "running" and nobody holds the lock:
        # that is how an interrupted run is known.
        try:
            state.finish_run(conn, run_id, status, error=error)
        except psycopg.Error as lost:
            self.console.detail(f"the end of the run could not be recorded: {lost}")

    def _require_window(self, *, ignore_window: bool) -> None:
        now = datetime.now(UTC)
        window = self.plan.window
        if ignore_window or window.is_open(now):
            return
        raise Refused(
            f"the window {window} is closed; it opens in {_clock(window.opens_in(now))}",
            f"wait, or: traspaso run {self.plan.system} … --ignore-window",
        )

    def _require_order(self, conn: psycopg.Connection, phases: Sequence[int]) -> None:
        done = state.status(conn, self.plan.system).phase
        first = phases[0]
        if first > 0 and (done is None or done < first - 1):
            missing = 0 if done is None else done + 1
            raise Refused(
                f"phase {missing} is not completed and proved, so phase {first} cannot start",
                f"traspaso run {self.plan.system} --phase {missing}",
            )

    # --- a phase --------------------------------------------------------------------------------

    def _run_phase(
        self, conn: psycopg.Connection, dbt: Dbt, phase: Phase, outcome: RunOutcome
    ) -> None:
        began = time.monotonic()
        run_id = outcome.run_id or ""
        done = PhaseOutcome(phase.number, phase.name, "failed", 0)
        outcome.phases.append(done)
        self._tell_start(phase, run_id, done)
        was_done = (state.status(conn, self.plan.system).phase or -1) >= phase.number
        if not was_done:
            state.record_step(
                conn, self.plan.system, phase.number, PHASE_STEP, run_id=run_id, status="running"
            )
        try:
            with self.console.progress(f"{phase.number} {phase.name}") as progress:

                def tell(name: str, rows: int) -> None:
                    if phase.number != PREPARE:  # a backup reads rows, it moves none
                        done.rows += rows
                    progress.advance(rows, name)

                dbt.tell = tell
                if phase.number == PREPARE:
                    self._prepare(conn, dbt, phase, done)
                elif phase.number == CREATE:
                    self._create(conn, dbt, phase, run_id)
                else:
                    skip = [] if was_done else self._finished_tables(conn, phase)
                    outcome.proof = self._load(conn, dbt, phase, run_id, skip)
                self._close(conn, phase, run_id, done)
        except TraspasoError as error:
            if isinstance(error, StepFailed) and not conn.closed:
                state.record_step(
                    conn, self.plan.system, phase.number, PHASE_STEP,
                    run_id=run_id, status="failed", detail={"error": error.message},
                )  # fmt: skip
            raise
        finally:
            done.seconds = time.monotonic() - began
        done.status = "succeeded"
        self._tell_end(phase, run_id, done)

    def _prepare(
        self, conn: psycopg.Connection, dbt: Dbt, phase: Phase, done: PhaseOutcome
    ) -> None:
        """Back up and restore for a drill, unless a verified backup holds just this."""
        dbt.install()
        kept = backup.latest_verified(conn, self.plan.system)
        if kept is not None and kept.present and self._still_holds(conn, kept):
            done.notes.append(f"backup {kept.id} is verified and still holds what is here")
            return
        made = backup.create(self.settings, self.plan, phase.number, tell=dbt.tell)
        backup.verify(self.settings, self.plan, made.id, tell=dbt.tell)
        done.notes.append(f"backup {made.id} verified by restoring it: {made.path}")

    def _still_holds(self, conn: psycopg.Connection, kept: backup.Backup) -> bool:
        """Whether the legacy tables are as they were when the backup was made."""
        saved = backup.checksums_of(conn, kept.id)
        schema = self.settings.legacy_schema
        now = take_picture(conn, self.settings, self.plan).legacy
        return all(saved.get(f"{schema}.{name}") == found for name, found in now.items())

    def _create(self, conn: psycopg.Connection, dbt: Dbt, phase: Phase, run_id: str) -> None:
        finished = self._finished_tables(conn, phase)
        if set(finished) >= set(self.plan.target_tables):
            return
        dbt.create(self.plan.system, run_id=run_id, phase=phase.number, exclude=finished)

    def _load(
        self, conn: psycopg.Connection, dbt: Dbt, phase: Phase, run_id: str, skip: Sequence[str]
    ) -> Proof:
        self._require_backup(conn)
        system = self.plan.system
        dbt.seed(system)
        dbt.views(system)
        dbt.snapshot(system)
        for left in reversed(range(_ROUNDS)):
            dbt.load(phase.selector or "", system, run_id=run_id, phase=phase.number, exclude=skip)
            proof = prove(conn, self.plan, phase.tables)
            if proof.holds or not left:
                break
            # The application writes on: what it wrote since the load is brought, all of it.
            skip = []
        proof.require()
        return proof

    def _require_backup(self, conn: psycopg.Connection) -> None:
        kept = backup.latest_verified(conn, self.plan.system)
        if kept is None or not kept.present:
            what = "there is no verified backup" if kept is None else f"{kept.path} is not here"
            raise Refused(
                f"{what}, so nothing is loaded",
                f"traspaso backup {self.plan.system} create, then verify",
            )

    def _finished_tables(self, conn: psycopg.Connection, phase: Phase) -> list[str]:
        return [
            step.step
            for step in state.steps(conn, self.plan.system)
            if step.phase == phase.number and step.status == "done" and step.step != PHASE_STEP
        ]

    def _close(
        self, conn: psycopg.Connection, phase: Phase, run_id: str, done: PhaseOutcome
    ) -> None:
        """Record the state that the phase leaves, to which a rollback must come back."""
        with conn.transaction():
            pictures = self._pictures(conn)
            now = take_picture(conn, self.settings, self.plan)
            before = max((n for n in pictures if n < phase.number), default=None)
            changed = pictures[before].legacy_changes(now) if before is not None else []
            if changed:
                done.notes.append(f"the application wrote to {some(changed)} meanwhile")
            recorded = pictures.get(phase.number)
            if recorded is not None and max(pictures) > phase.number:
                # Run again while later phases are done: going back here empties their tables.
                now = recorded.updated(now, self.plan.loaded_after(phase.number))
            state.record_step(
                conn, self.plan.system, phase.number, PHASE_STEP, run_id=run_id, status="done",
                rows=done.rows, detail={"picture": now.to_json(), "legacy_changed": changed},
            )  # fmt: skip

    def _pictures(self, conn: psycopg.Connection) -> dict[int, Picture]:
        """Return what was recorded of each completed phase."""
        return {
            step.phase: Picture.from_json(step.detail["picture"])
            for step in state.steps(conn, self.plan.system)
            if step.step == PHASE_STEP and "picture" in step.detail
        }


def _clock(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"  # noqa: PLR2004
