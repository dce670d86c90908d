"""The phases, forward and back: order, window, lock, journal, proofs.

A run that was killed is continued by saying the same command again: what a step did and that it
is done are written in one transaction, so a step is either done or was never begun.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from runner import backup, capture, preflight, state
from runner.catalog import Picture, some, take_picture
from runner.clock import Deadline
from runner.console import Console, duration
from runner.db import connect, explain, sql_text
from runner.dbt import Dbt, Touched
from runner.errors import Refused, StepFailed, TraspasoError, UsageProblem
from runner.estimate import Estimate, Stopwatch, estimates, last_rehearsal
from runner.locks import patiently
from runner.notify import Notifier
from runner.plan import Phase, Plan
from runner.rollback import Undone, plan_rollback, rollback
from runner.settings import Settings
from runner.state import PHASE_STEP
from runner.validate import Proof, prove

T = TypeVar("T")

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
    watch: Stopwatch = field(default_factory=Stopwatch)
    reversible_until: datetime | None = None
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
        }


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


@dataclass(frozen=True)
class _Work:
    """One phase of one run, and what it is done with."""

    conn: psycopg.Connection
    dbt: Dbt
    phase: Phase
    run_id: str
    done: PhaseOutcome
    deadline: Deadline
    lock: state.OperatorLock

    def check(self) -> None:
        """Raise where it must not go on: the time is up, or the operator's lock was lost."""
        self.deadline.check()
        self.lock.check()


@dataclass
class Engine:
    """One system on one target database."""

    settings: Settings
    plan: Plan
    console: Console
    # Of the phase that runs.
    _until: Deadline = field(default_factory=Deadline, init=False, repr=False)

    def run(
        self,
        phases: Sequence[int],
        outcome: RunOutcome,
        *,
        ignore_window: bool = False,
        overrun: bool = False,
    ) -> None:
        """Run phases in their order, continuing what was interrupted; fills `outcome`.

        Where the system was rehearsed, a phase starts only when it and its way back fit into what
        is left of the window, and stops when the way back needs the rest, unless `overrun`.
        Raises Refused (window, order, second operator), StepFailed or Unreachable; what was done
        before stays done.
        """
        with self._telling_failures(outcome, self.plan.phase(phases[0])):
            self._run(phases, outcome, ignore_window=ignore_window, overrun=overrun)

    def _run(
        self, phases: Sequence[int], outcome: RunOutcome, *, ignore_window: bool, overrun: bool
    ) -> None:
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
            self._dbt(outcome) as dbt,
        ):
            outcome.rehearsed = last_rehearsal(conn, self.plan.system) is not None
            expected = {} if ignore_window else self._patiently(partial(self._estimates, conn))
            for number in [*phases, *self._later(conn, phases[-1])]:
                lock.check()
                phase = self.plan.phase(number)
                closes = self._require_fits(phase, expected.get(number))
                with self._deadline(conn, dbt, phase, closes, overrun=overrun) as deadline:
                    self._run_phase(self._work(lock, dbt, phase, outcome, deadline), outcome)

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
                return self._patiently(lambda: rollback(conn, self.settings, self.plan, to))

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
                self._operating(conn, "fates retry", outcome) as lock,
                self._dbt(outcome) as dbt,
            ):
                for number in phases:
                    work = self._work(lock, dbt, self.plan.phase(number), outcome, Deadline())
                    self._run_phase(work, outcome)

    def sync(self, outcome: RunOutcome) -> dict[str, Touched]:
        """Bring what the application wrote since the last load or sync; by legacy table.

        Raises Refused where nothing is loaded, or where writes are not captured.
        """
        url = self.settings.require_run_target()
        with self._connection(url) as conn:
            loaded = self._loaded_phases(conn)
            with (
                self._operating(conn, "sync", outcome) as lock,
                self._dbt(outcome) as dbt,
            ):
                return self._sync(lock, dbt, loaded)

    def _loaded_phases(self, conn: psycopg.Connection) -> list[Phase]:
        done = state.status(conn, self.plan.system).phase or 0
        phases = [self.plan.phase(n) for n in (MASTERS, TRANSACTIONS) if n <= done]
        if not phases:
            raise Refused(
                f"nothing of {self.plan.system} is loaded yet",
                f"traspaso run {self.plan.system} --through 2",
            )
        return phases

    def _sync(
        self, lock: state.OperatorLock, dbt: Dbt, phases: Sequence[Phase]
    ) -> dict[str, Touched]:
        conn, tables = lock.conn, [table for phase in phases for table in phase.tables]
        sources = [table.source_table for table in tables]
        missing = capture.missing(conn, self.settings, self.plan)
        if uncaptured := sorted(set(missing) & set(sources)):
            raise Refused(
                f"what is written to {some(uncaptured)} is not captured",
                f"load again, which captures from then on: traspaso run {self.plan.system} "
                f"--through {phases[-1].number} --yes",
            )
        seen = capture.snapshot(conn)
        targets = dict.fromkeys(name for table in tables for name in table.target_tables)
        touched = dbt.sync(self.plan.system, [*targets])
        lock.check()
        capture.forget(conn, self.plan.system, sources, seen)
        return {source: touched.get(source, Touched()) for source in sources}

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
    def _dbt(self, outcome: RunOutcome) -> Iterator[Dbt]:
        """Give dbt, imported and with the project read: the phases' times are their own."""
        began = time.monotonic()
        with Dbt(self.settings, self.plan, patiently=self._patiently) as dbt:
            dbt.parse()
            outcome.start_seconds = time.monotonic() - began
            yield dbt

    @staticmethod
    def _work(
        lock: state.OperatorLock,
        dbt: Dbt,
        phase: Phase,
        outcome: RunOutcome,
        deadline: Deadline,
    ) -> _Work:
        done = PhaseOutcome(phase.number, phase.name, "failed", 0)
        done.reversible_until = deadline.moment
        return _Work(lock.conn, dbt, phase, outcome.run_id or "", done, deadline, lock)

    def _patiently(self, action: Callable[[], T]) -> T:
        """Do an action, again while it is locked out, but not when the deadline has come."""

        def attempt() -> T:
            self._until.check()
            return action()

        return patiently(self.settings, self.plan, self.console, attempt)

    def _estimates(self, conn: psycopg.Connection) -> Mapping[int, Estimate]:
        rehearsal = last_rehearsal(conn, self.plan.system)
        if rehearsal is None:
            return {}
        rows = legacy_rows(conn, self.settings, self.plan)
        done = state.status(conn, self.plan.system).phase
        return estimates(rehearsal, self.plan, rows, done=done)

    def _require_fits(self, phase: Phase, expected: Estimate | None) -> datetime | None:
        """Return when the way back must begin; None where that is not known. Raises Refused."""
        if expected is None:
            return None
        now = datetime.now(UTC)
        window = self.plan.window
        closes = window.closes_at(now)
        if not window.is_open(now) or now > expected.latest_safe_start(closes):
            left = window.closes_in(now).total_seconds()
            raise Refused(
                f"phase {phase.number} {phase.name} does not fit any more: it needs "
                f"{duration(expected.forward.total_seconds())} forward and "
                f"{duration(expected.back.total_seconds())} back, and {duration(left)} of the "
                f"window {window} is left",
                f"wait for the next window, or: traspaso run {self.plan.system} "
                f"--phase {phase.number} --ignore-window",
            )
        return expected.reversible_until(closes)

    @contextmanager
    def _deadline(
        self,
        conn: psycopg.Connection,
        dbt: Dbt,
        phase: Phase,
        until: datetime | None,
        *,
        overrun: bool,
    ) -> Iterator[Deadline]:
        """Stop what runs when the rest of the window is needed for the way back."""
        if until is not None:
            self.console.log(
                f"phase {phase.number} {phase.name}: reversible inside the window until "
                f"{self.plan.window.local(until)}"
            )
        if until is None or overrun or phase.number == PREPARE:
            yield Deadline(until)
            return

        def cancel() -> None:
            dbt.cancel()
            conn.cancel_safe()

        back = max(phase.number - 1, 0)
        late = Refused(
            f"phase {phase.number} {phase.name} is late: what is left of the window "
            f"{self.plan.window} is needed for the way back",
            f"traspaso rollback {self.plan.system} --to {back} --yes; or, to go on from here: "
            f"traspaso run {self.plan.system} --phase {phase.number} --yes --overrun",
        )
        with Deadline(until, late, cancel) as deadline:
            self._until = deadline
            try:
                yield deadline
            finally:
                self._until = Deadline()

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
            state.drop_left_temporaries(conn, self.plan.system, self.plan.target_tables)
            outcome.run_id = state.start_run(conn, self.plan.system, command)
            try:
                yield lock
            except TraspasoError as error:
                status: state.RunStatus = "failed"
                if isinstance(error, Refused):
                    # Once a phase was begun, the same command has something to continue.
                    status = "interrupted" if outcome.phases else "refused"
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
            f"the window {window} is closed; it opens in "
            f"{duration(window.opens_in(now).total_seconds())}",
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

    def _run_phase(self, work: _Work, outcome: RunOutcome) -> None:
        began = time.monotonic()
        conn, phase, done = work.conn, work.phase, work.done
        outcome.phases.append(done)
        self._tell_start(phase, work.run_id, done)
        was_done = (state.status(conn, self.plan.system).phase or -1) >= phase.number
        if not was_done:
            self._record(work, "running")
        try:
            with self.console.progress(f"{phase.number} {phase.name}") as progress:

                def tell(name: str, rows: int) -> None:
                    if phase.number != PREPARE:  # a backup reads rows, it moves none
                        done.rows += rows
                    progress.advance(rows, name)

                work.dbt.tell = tell
                if phase.number == PREPARE:
                    self._prepare(work)
                elif phase.number == CREATE:
                    self._create(work)
                else:
                    skip = [] if was_done else self._finished_tables(conn, phase)
                    outcome.proof = self._load(work, skip)
                work.check()
                with done.watch.lap("record", self.plan.tables):
                    self._patiently(lambda: self._close(work))
        except (TraspasoError, psycopg.Error) as error:
            work.deadline.over()
            work.deadline.check()
            if isinstance(error, StepFailed) and not conn.closed:
                self._record(work, "failed", {"error": error.message})
            raise
        finally:
            done.seconds = time.monotonic() - began
        done.status = "succeeded"
        self._tell_end(phase, work.run_id, done)

    def _record(
        self, work: _Work, status: state.StepStatus, detail: Mapping[str, Any] | None = None
    ) -> None:
        state.record_step(
            work.conn, self.plan.system, work.phase.number, PHASE_STEP,
            run_id=work.run_id, status=status, detail=detail,
            rows=work.done.rows if status == "done" else None,
        )  # fmt: skip

    def _prepare(self, work: _Work) -> None:
        """Back up and restore for a drill, unless a verified backup holds just this."""
        watch, notes, tell = work.done.watch, work.done.notes, work.dbt.tell
        with watch.lap("install"):
            work.dbt.install()
        kept = backup.latest_verified(work.conn, self.plan.system)
        if kept is not None and kept.present and self._still_holds(work.conn, kept):
            notes.append(f"backup {kept.id} is verified and still holds what is here")
            return
        with watch.lap("backup", self.plan.tables):
            made = self._patiently(
                lambda: backup.create(self.settings, self.plan, work.phase.number, tell=tell)
            )
        with watch.lap("verify", self.plan.tables):
            backup.verify(self.settings, self.plan, made.id, tell=tell)
        notes.append(f"backup {made.id} verified by restoring it: {made.path}")

    def _still_holds(self, conn: psycopg.Connection, kept: backup.Backup) -> bool:
        """Whether the legacy tables are as they were when the backup was made."""
        saved = backup.checksums_of(conn, kept.id)
        schema = self.settings.legacy_schema
        now = take_picture(conn, self.settings, self.plan).legacy
        return all(saved.get(f"{schema}.{name}") == found for name, found in now.items())

    def _create(self, work: _Work) -> None:
        finished = self._finished_tables(work.conn, work.phase)
        if set(finished) >= set(self.plan.target_tables):
            return
        with work.done.watch.lap("create"):
            work.dbt.create(
                self.plan.system, run_id=work.run_id, phase=work.phase.number, exclude=finished
            )

    def _load(self, work: _Work, skip: Sequence[str]) -> Proof:
        """Bring the phase's tables to what the legacy says, and prove them; `skip` are done."""
        conn, dbt, phase, watch = work.conn, work.dbt, work.phase, work.done.watch
        self._require_backup(conn)
        system = self.plan.system
        with watch.lap("capture"):
            self._capture(work)
        with watch.lap("views"):
            dbt.seed(system)
            dbt.views(system)
        work.check()
        with watch.lap("snapshot", self.plan.tables):
            dbt.snapshot(system)
        for left in reversed(range(_ROUNDS)):
            work.check()
            seen = capture.snapshot(conn)
            with watch.lap("load", phase.tables) as lap:
                dbt.load(
                    phase.selector or "", system,
                    run_id=work.run_id, phase=phase.number, exclude=skip,
                )  # fmt: skip
                lap.weights = self._load_weights(phase, dbt.seconds)
            self._validate_foreign_keys(conn)
            sources = [table.source_table for table in phase.tables]
            capture.forget(conn, system, sources, seen)
            work.check()
            with watch.lap("proof", phase.tables):
                proof = self._patiently(lambda: prove(conn, self.plan, phase.tables))
            if proof.holds or not left:
                break
            # The application writes on: what it wrote since the load is brought, all of it.
            skip = []
        proof.require()
        return proof

    def _capture(self, work: _Work) -> None:
        """From here on, note which rows the application writes."""
        missing = capture.missing(work.conn, self.settings, self.plan)
        if not missing:
            return
        ours = capture.owned(work.conn, self.settings, self.plan)
        for table in missing:
            if table in ours:
                install = partial(capture.install, work.conn, self.settings, self.plan, table)
                self._patiently(install)
        if others := sorted(set(missing) - ours):
            work.done.notes.append(
                f"{some(others)} belongs to another role: what is written to it is not noted, and "
                "a proof may meet rows that were written meanwhile"
            )

    def _validate_foreign_keys(self, conn: psycopg.Connection) -> None:
        """Validate what a load that was killed after its commit had still to validate."""
        waiting = conn.execute(
            sql_text("unvalidated_foreign_keys.sql"),
            {"schema": self.settings.target_schema, "tables": [*self.plan.target_tables]},
        ).fetchall()
        for schema, table, name in waiting:
            statement = sql.SQL("alter table {} validate constraint {}").format(
                sql.Identifier(schema, table), sql.Identifier(name)
            )
            self._patiently(partial(conn.execute, statement))

    @staticmethod
    def _load_weights(phase: Phase, seconds: Mapping[str, float]) -> dict[str, float]:
        """Share the time of each Spanish table among the legacy tables that it came from."""
        weights: dict[str, float] = {}
        for table in phase.tables:
            for target in table.target_tables:
                sharing = sum(target in other.target_tables for other in phase.tables)
                share = seconds.get(target, 0) / sharing
                weights[table.source_table] = weights.get(table.source_table, 0) + share
        return weights

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

    def _close(self, work: _Work) -> None:
        """Record the state that the phase leaves, to which a rollback must come back."""
        conn, phase, done = work.conn, work.phase, work.done
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
            self._record(work, "done", {"picture": now.to_json(), "legacy_changed": changed})

    def _pictures(self, conn: psycopg.Connection) -> dict[int, Picture]:
        """Return what was recorded of each completed phase."""
        return {
            step.phase: Picture.from_json(step.detail["picture"])
            for step in state.steps(conn, self.plan.system)
            if step.step == PHASE_STEP and "picture" in step.detail
        }


def legacy_rows(conn: psycopg.Connection, settings: Settings, plan: Plan) -> dict[str, int]:
    """Count the rows of each legacy table."""
    counts = {}
    for table in plan.tables:
        query = sql.SQL("select count(*) from {}").format(
            sql.Identifier(settings.legacy_schema, table.source_table)
        )
        row = conn.execute(query).fetchone()
        counts[table.source_table] = row[0] if row else 0
    return counts
