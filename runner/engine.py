"""The phases, forward and back: order, window, lock, journal, proofs.

A run that was killed is continued by saying the same command again: what a step did and that it
is done are written in one transaction, so a step is either done or was never begun.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from runner import (
    backup,
    capture,
    clean_up,
    critical,
    file_switch,
    legacy_file,
    preflight,
    state,
    switch,
)
from runner.catalog import Picture, legacy_sums, some, take_picture
from runner.clock import Deadline
from runner.console import Console
from runner.db import connect, explain, sql_text
from runner.dbt import Dbt, Touched, import_meanwhile
from runner.errors import Refused, StepFailed, TraspasoError
from runner.estimate import last_rehearsal
from runner.locks import patiently
from runner.outcome import PhaseOutcome, RunOutcome
from runner.pace import Pace
from runner.plan import Phase, Plan
from runner.rollback import Undone, changes_since, plan_rollback, recorded_picture, rollback
from runner.settings import Settings
from runner.state import PHASE_STEP
from runner.telling import Telling
from runner.validate import Proof, prove

T = TypeVar("T")

PREPARE, CREATE, MASTERS, TRANSACTIONS, SWITCH, CLEAN_UP = range(6)

# How often the rows that the application wrote during the proof are brought, before it fails.
_ROUNDS = 3


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
    # What is read of the legacy while dbt is imported, for phases that do not write there.
    _legacy: Future[dict[str, str]] | None = field(default=None, init=False, repr=False)
    # The deadline of the phase that runs.
    _until: Deadline = field(default_factory=Deadline, init=False, repr=False)

    def __post_init__(self) -> None:
        # The schema of the legacy names, wherever the tables are.
        self._legacy_schema = self.settings.legacy_schema
        self._settle(self.settings)

    def _settle(self, settings: Settings) -> None:
        self.settings = settings
        self._pace = Pace(self.settings, self.plan, self.console)
        self._telling = Telling(self.settings, self.plan, self.console)

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
        with self._telling.failures(outcome, self.plan.phase(phases[0])):
            self._run(phases, outcome, ignore_window=ignore_window, overrun=overrun)

    def _run(
        self, phases: Sequence[int], outcome: RunOutcome, *, ignore_window: bool, overrun: bool
    ) -> None:
        url = self.settings.require_run_target()
        self._pace.require_window(ignore_window=ignore_window)
        import_meanwhile()
        for number in phases:
            self.plan.phase(number)
        with self._connection(url) as conn:
            asked = phases
            phases = self._left(conn, phases, outcome)
            if not phases:
                # What was killed just after its end is told apart from what was not.
                with self._operating(conn, f"run {asked[0]}-{asked[-1]}", outcome):
                    return
            with (
                self._operating(
                    conn,
                    f"run {phases[0]}-{phases[-1]}",
                    outcome,
                    require=lambda: self._require_ready(conn, phases),
                ) as lock,
                self._reading_legacy(url, phases),
                self._dbt(outcome) as dbt,
            ):
                self._run_phases(
                    lock, dbt, phases, outcome, ignore_window=ignore_window, overrun=overrun
                )

    def _run_phases(
        self,
        lock: state.OperatorLock,
        dbt: Dbt,
        phases: Sequence[int],
        outcome: RunOutcome,
        *,
        ignore_window: bool,
        overrun: bool,
    ) -> None:
        conn = lock.conn
        outcome.rehearsed = last_rehearsal(conn, self.plan.system) is not None
        expected = {} if ignore_window else self._patiently(partial(self._pace.estimates, conn))
        for number in [*phases, *self._later(conn, phases[-1])]:
            lock.check()
            phase = self.plan.phase(number)
            closes = self._pace.require_fits(phase, expected.get(number))
            with self._pace.deadline(conn, dbt, phase, closes, overrun=overrun) as deadline:
                self._until = deadline
                self._run_phase(self._work(lock, dbt, phase, outcome, deadline), outcome)

    def _left(
        self, conn: psycopg.Connection, phases: Sequence[int], outcome: RunOutcome
    ) -> Sequence[int]:
        """Return the phases that are left to run: after the switch nothing is loaded any more.

        Raises Refused where one phase alone was asked for that would overwrite what is written
        since.
        """
        if not state.status(conn, self.plan.system).switched:
            return phases
        self._settle(switch.settings_now(conn, self.settings, self.plan))
        if phases[-1] < SWITCH:
            raise Refused(
                f"{self.plan.system} is switched: the Spanish tables are written to now, and to "
                f"load them again would put old rows over new ones",
                f"to go back first: traspaso rollback {self.plan.system} --to 3",
            )
        if SWITCH in phases:
            switched = PhaseOutcome(SWITCH, self.plan.phase(SWITCH).name, "succeeded", 0)
            switched.notes.append("switched already")
            outcome.phases.append(switched)
        done = state.status(conn, self.plan.system).phase or 0
        return [number for number in phases if number > done]

    def _require_ready(self, conn: psycopg.Connection, phases: Sequence[int]) -> None:
        """Raise what speaks against the run, before anything is written."""
        preflight.require(self.plan.system, preflight.checks(self.settings, self.plan, conn))
        self._require_order(conn, phases)
        if self.plan.reads_file:
            self._require_written_kept(conn, phases)

    def _require_written_kept(self, conn: psycopg.Connection, phases: Sequence[int]) -> None:
        """Raise Refused where rows would go that no file and no backup has."""
        loads = [number for number in phases if CREATE < number <= TRANSACTIONS]
        if loads and phases[0] != PREPARE:
            file_switch.require_reload_kept(conn, self.settings, self.plan)
        elif loads and (written := file_switch.written_before(conn, self.plan)):
            self.console.log(
                f"{written}; phase 0 backs that up, phases 2 and 3 bring the file's rows"
            )

    def _later(self, conn: psycopg.Connection, last: int) -> list[int]:
        """Name the loaded phases after `last`: what is loaded again may change their parents."""
        done = state.status(conn, self.plan.system).phase or 0
        return [n for n in (MASTERS, TRANSACTIONS) if MASTERS <= last < n <= done]

    def rollback(self, to: int) -> Undone:
        """Undo the phases after `to`. Raises Refused, StepFailed or Unreachable."""
        began = datetime.now(UTC)
        outcome = RunOutcome()
        with self._telling.failures(outcome, self.plan.phase(to), "rollback"):
            undone = self._rollback(to, outcome)
        self._telling.rolled_back(to, outcome, began, undone.differences)
        return undone

    def _rollback(self, to: int, outcome: RunOutcome) -> Undone:
        url = self.settings.require_run_target()
        with self._connection(url) as conn:
            if not state.is_installed(conn):
                raise Refused(
                    f"{self.plan.system} was never run here",
                    f"traspaso status {self.plan.system}",
                )
            if self.plan.reads_file:
                return self._rollback_file(conn, to, outcome)
            self._require_legacy(conn, to)
            switched = state.status(conn, self.plan.system).switched
            with self._operating(conn, f"rollback {to}", outcome):
                if switched and to >= SWITCH:
                    state.forget_steps(conn, self.plan.system, after=to)
                    return Undone(phase=to, tables=[])
                brought = switch.Brought()
                if switched:
                    recorded_picture(conn, self.plan, to)
                    brought = self._switch_back(conn, outcome)
                undone = self._patiently(lambda: rollback(conn, self.settings, self.plan, to))
                return replace(undone, brought=brought.rows, aside=brought.aside)

    def _rollback_file(self, conn: psycopg.Connection, to: int, outcome: RunOutcome) -> Undone:
        """Go back where the legacy is a file: what was written since the switch is never lost."""
        now = state.status(conn, self.plan.system)
        with self._operating(conn, f"rollback {to}", outcome):
            plan_rollback(conn, self.plan, to)
            if now.phase == CLEAN_UP and CREATE < to < CLEAN_UP:
                file_switch.require_switched_file(conn, self.settings, self.plan)
            if now.switched and to >= SWITCH:
                if now.phase == CLEAN_UP and to == SWITCH:
                    with self._dbt(outcome) as dbt:
                        file_switch.make_proofs(conn, self.settings, self.plan, dbt)
                state.forget_steps(conn, self.plan.system, after=to)
                return Undone(phase=to, tables=[])
            if to > TRANSACTIONS or not file_switch.was_switched(conn, self.plan):
                return self._patiently(lambda: rollback(conn, self.settings, self.plan, to))
            recorded_picture(conn, self.plan, to)
            with self._dbt(outcome) as dbt:
                written = file_switch.written(conn, self.settings, self.plan, dbt)
            if written and to < TRANSACTIONS:
                again = f"traspaso rollback {self.plan.system} --to {to} --yes"
                file_switch.require_kept(conn, self.settings, self.plan, written, again)
            file_switch.forget_switch(conn, self.plan, written)
            if to == TRANSACTIONS:
                changes = changes_since(conn, self.settings, self.plan)
                return Undone(phase=to, tables=[], differences=changes, written=written)
            undone = self._patiently(lambda: rollback(conn, self.settings, self.plan, to))
            theirs = {f"rows of {name}" for name in self.plan.target_tables} if written else set()
            left = [name for name in undone.differences if name not in theirs]
            return replace(undone, differences=left, written=written)

    def _require_legacy(self, conn: psycopg.Connection, to: int) -> None:
        done = state.status(conn, self.plan.system).phase or 0
        if to < CLEAN_UP <= done:
            raise Refused(
                f"phase {CLEAN_UP} dropped the legacy tables of {self.plan.system}",
                f"bring them back from its backup first: traspaso backup {self.plan.system} list, "
                f"then restore ID --yes",
            )

    def _switch_back(self, conn: psycopg.Connection, outcome: RunOutcome) -> switch.Brought:
        return self._patiently(
            lambda: switch.switch_back(conn, self.settings, self.plan, outcome.run_id or "")
        )

    def preview_rollback(self, to: int) -> list[str]:
        """Say what a rollback would do; reads only."""
        with self._connection(self.settings.require_target(), read_only=True) as conn:
            return plan_rollback(conn, self.plan, to)

    def retry(self, outcome: RunOutcome) -> None:
        """Bring again what the loaded phases hold: rows that were put right leave quarantine."""
        with self._telling.failures(outcome, self.plan.phase(MASTERS)):
            self._retry(outcome)

    def _retry(self, outcome: RunOutcome) -> None:
        url = self.settings.require_run_target()
        with self._connection(url) as conn:
            phases = self._loaded_phases(conn)
            with (
                self._operating(
                    conn,
                    "fates retry",
                    outcome,
                    require=lambda: file_switch.require_reload_kept(conn, self.settings, self.plan),
                ) as lock,
                self._dbt(outcome) as dbt,
            ):
                for phase in phases:
                    work = self._work(lock, dbt, phase, outcome, Deadline())
                    self._run_phase(work, outcome)

    def sync(self, outcome: RunOutcome) -> dict[str, Touched]:
        """Bring what the application wrote since the last load or sync; by legacy table.

        Raises Refused where nothing is loaded, or where writes are not captured.
        """
        if self.plan.reads_file:
            with self._connection(self.settings.require_target(), read_only=True) as conn:
                self._require_not_switched(conn)
            raise Refused(
                f"the legacy of {self.plan.system} is a file, of which nobody notes what changes",
                f"load again what it holds now: traspaso run {self.plan.system} --through "
                f"{TRANSACTIONS} --yes",
            )
        url = self.settings.require_run_target()
        with self._connection(url) as conn:
            loaded = self._loaded_phases(conn)
            with (
                self._operating(conn, "sync", outcome) as lock,
                self._dbt(outcome) as dbt,
            ):
                return self._sync(lock, dbt, loaded)

    def _require_not_switched(self, conn: psycopg.Connection) -> None:
        if state.status(conn, self.plan.system).switched:
            raise Refused(
                f"{self.plan.system} is switched: the legacy tables are written to no more, and "
                f"what they hold is older than the Spanish tables",
                f"to go back first: traspaso rollback {self.plan.system} --to 3",
            )

    def _loaded_phases(self, conn: psycopg.Connection) -> list[Phase]:
        self._require_not_switched(conn)
        done = state.status(conn, self.plan.system).phase or 0
        phases = [self.plan.phase(n) for n in (MASTERS, TRANSACTIONS) if n <= done]
        if not phases:
            raise Refused(
                f"nothing of {self.plan.system} is loaded yet",
                f"traspaso run {self.plan.system} --through 2",
            )
        return phases

    def _sync(
        self,
        lock: state.OperatorLock,
        dbt: Dbt,
        phases: Sequence[Phase],
        *,
        to_prove: bool = False,
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
        state.mark_synced(conn, self.plan.system, [phase.number for phase in phases])
        seen = capture.snapshot(conn)
        targets = dict.fromkeys(name for table in tables for name in table.target_tables)
        touched = dbt.sync(self.plan.system, [*targets])
        lock.check()
        capture.forget(conn, self.plan.system, sources, seen, to_prove=to_prove)
        return {source: touched.get(source, Touched()) for source in sources}

    # --- around a run ---------------------------------------------------------------------------

    @contextmanager
    def _reading_legacy(self, url: str, phases: Sequence[int]) -> Iterator[None]:
        """Sum the legacy tables meanwhile, which phase 0 holds against its backup."""
        if PREPARE not in phases:
            yield
            return
        with self._connection(url) as conn, ThreadPoolExecutor(1) as pool:
            self._legacy = pool.submit(legacy_sums, conn, self.settings, self.plan)
            try:
                yield
            except BaseException:
                conn.cancel_safe()
                raise
            finally:
                self._legacy = None

    def _legacy_sums(self, conn: psycopg.Connection) -> dict[str, str]:
        """Return what was read meanwhile, or read it: somebody may have held a lock."""
        if self._legacy is not None:
            with suppress(psycopg.Error):
                return self._legacy.result()
        return legacy_sums(conn, self.settings, self.plan)

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

    def _patiently(self, action: Callable[[], T], *, alters_legacy: bool = False) -> T:
        """Do an action, again while it is locked out, but not when the deadline has come."""

        def attempt() -> T:
            self._until.check()
            return action()

        return patiently(
            self.settings, self.plan, self.console, attempt, alters_legacy=alters_legacy
        )

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
        self._telling.start(phase, work.run_id, done)
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
                work.dbt.tell_range = progress.advance_part
                self._do(work, outcome, was_done=was_done)
                if phase.number < SWITCH:
                    work.check()
                    with done.watch.lap("record", self.plan.tables):
                        self._patiently(lambda: self._close(work))
                if phase.number == TRANSACTIONS:
                    self._measure(work)
        except (TraspasoError, psycopg.Error) as error:
            work.deadline.over()
            work.deadline.check()
            if isinstance(error, StepFailed) and not conn.closed:
                self._record(work, "failed", {"error": error.message})
            raise
        finally:
            done.seconds = time.monotonic() - began
        done.status = "succeeded"
        self._telling.end(phase, work.run_id, done)

    def _do(self, work: _Work, outcome: RunOutcome, *, was_done: bool) -> None:
        simple = {
            PREPARE: self._prepare,
            CREATE: self._create,
            SWITCH: self._switch,
            CLEAN_UP: self._clean_up,
        }
        if work.phase.number in simple:
            simple[work.phase.number](work)
            return
        skip = [] if was_done else self._finished_tables(work.conn, work.phase)
        outcome.proof = self._load(work, skip)

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
        self._legacy = None  # it takes long: what was read before it is too old to be recorded
        # Said again later, it holds Spanish tables too: nothing to rehearse on.
        done = state.status(work.conn, self.plan.system).phase or PREPARE
        with watch.lap("backup", self.plan.tables):
            made = self._patiently(lambda: backup.create(self.settings, self.plan, done, tell=tell))
        with watch.lap("verify", self.plan.tables):
            backup.verify(self.settings, self.plan, made.id, tell=tell)
        notes.append(f"backup {made.id} verified by restoring it: {made.path}")

    def _still_holds(self, conn: psycopg.Connection, kept: backup.Backup) -> bool:
        """Whether the legacy tables are as they were when the backup was made."""
        if self.plan.reads_file:
            # It holds the target only, which is small before a load.
            return False
        saved = backup.checksums_of(conn, kept.id)
        schema = self.settings.legacy_schema
        now = self._legacy_sums(conn)
        return all(saved.get(f"{schema}.{name}") == found for name, found in now.items())

    def _create(self, work: _Work) -> None:
        finished = self._finished_tables(work.conn, work.phase)
        with work.done.watch.lap("create"):
            if set(self.plan.target_tables) - set(finished):
                work.dbt.create(
                    self.plan.system, run_id=work.run_id, phase=work.phase.number, exclude=finished
                )
            work.dbt.reporting(self.plan.system)

    def _load(self, work: _Work, skip: Sequence[str]) -> Proof:
        """Bring the phase's tables to what the legacy says, and prove them; `skip` are done."""
        conn, dbt, phase, watch = work.conn, work.dbt, work.phase, work.done.watch
        self._require_backup(conn)
        system = self.plan.system
        with watch.lap("capture"):
            self._capture(work)
        if not dbt.is_prepared:
            with watch.lap("views"):
                dbt.prepare(system)
            work.check()
            with watch.lap("snapshot", self.plan.tables):
                dbt.snapshot(system)
            dbt.is_prepared = True
        rows_first = self._comes_in_ranges(phase, dbt.batch_rows)
        for left in reversed(range(_ROUNDS)):
            work.check()
            seen = capture.snapshot(conn)
            with watch.lap("load", phase.tables) as lap:
                dbt.load(
                    phase.selector or "", system,
                    run_id=work.run_id, phase=phase.number, exclude=skip,
                    rows_first=rows_first,
                    changed_only=self.plan.reads_file and left == _ROUNDS - 1,
                )  # fmt: skip
                lap.weights = self._load_weights(phase, dbt.seconds)
            self._validate_foreign_keys(conn)
            sources = [table.source_table for table in phase.tables]
            capture.forget(conn, system, sources, seen)
            work.check()
            with watch.lap("proof", phase.tables):
                if self.plan.reads_file:
                    dbt.prove(system, sources, reads_back=True)
                proof = self._patiently(lambda: prove(conn, self.plan, phase.tables))
            if proof.holds or not left:
                break
            # The application writes on: what it wrote since the load is brought, all of it.
            skip = []
        proof.require()
        if self.plan.reads_file:
            state.keep_row_groups(conn, system, self.plan.schemas.compat, sources)
            work.done.notes += _compared(dbt.compared)
        return proof

    def _measure(self, work: _Work) -> None:
        """Measure the critical queries; what is loaded and proved stands, whatever they do."""
        if self.plan.queries is None:
            return
        done = work.done
        with done.watch.lap("queries", self.plan.tables), work.dbt.resting():
            found, notes = critical.measured_quietly(self.settings, self.plan)
        done.queries = [each.to_json() for each in found]
        done.notes += notes
        state.note_in_run(work.conn, work.run_id, {"queries": done.queries})

    def _switch_file(self, work: _Work) -> None:
        """Prove every row against the file once more, and record which file that was."""
        conn, dbt, watch, system = work.conn, work.dbt, work.done.watch, self.plan.system
        self._require_backup(conn, "nothing is switched")
        sha256 = file_switch.require_loaded_file(conn, self.settings, self.plan)
        with watch.lap("views"):
            dbt.prepare(system)
        work.check()
        with watch.lap("proof", self.plan.tables):
            dbt.prove(system, self.plan.source_tables)
            proof = self._patiently(lambda: prove(conn, self.plan, self.plan.tables))
        proof.require(
            f"bring the tables to what the file holds: traspaso run {system} --through "
            f"{TRANSACTIONS} --yes"
        )
        # It may have been replaced while it was read.
        file_switch.require_loaded_file(conn, self.settings, self.plan)
        work.check()
        with watch.lap("switch"):
            self._record(work, "done", file_switch.detail(self.settings, sha256, proof))
        work.done.notes.append(
            f"every row is as in {self.settings.legacy_file} (SHA-256 {sha256}); nothing was "
            f"locked, a writer had to wait for 0.00 s"
        )

    def _comes_in_ranges(self, phase: Phase, batch_rows: int) -> bool:
        """Whether a table of the phase is too large for one transaction."""
        file = self.settings.legacy_file
        if not self.plan.reads_file or file is None:
            return False
        tables = [table.source_table for table in phase.tables]
        counted = legacy_file.rows(file, self.settings.legacy_schema, tables)
        return max(counted.values(), default=0) > batch_rows

    def _switch(self, work: _Work) -> None:
        """Let the compat views take the legacy tables' names.

        Everything is brought and proved before, while the application writes; then it waits for
        what it wrote meanwhile, which is little, to be brought and proved too.
        """
        if self.plan.reads_file:
            self._switch_file(work)
            return
        conn, dbt, watch, system = work.conn, work.dbt, work.done.watch, self.plan.system
        self._require_backup(conn, "nothing is switched")
        switch.require_possible(conn, self.settings, self.plan)
        loaded = self._loaded_phases(conn)
        if not dbt.is_prepared:
            with watch.lap("views"):
                dbt.prepare(system)
        with watch.lap("sync"):
            conn.execute("delete from traspaso.unproved where system = %s", [system])
            self._sync(work.lock, dbt, loaded)
        work.check()
        with watch.lap("proof", self.plan.tables):
            self._patiently(lambda: prove(conn, self.plan, self.plan.tables)).require()
        with watch.lap("switch"):
            self._patiently(lambda: self._try_switch(work, loaded), alters_legacy=True)
        if step := state.phase_step(conn, system, SWITCH):
            waited = step.detail["writers_waited_seconds"]
            work.done.rows = step.rows or 0
            work.done.notes.append(f"a writer had to wait for {waited:.2f} s at most")

    def _try_switch(self, work: _Work, loaded: Sequence[Phase]) -> None:
        work.check()
        self._sync(work.lock, work.dbt, loaded, to_prove=True)
        # The step is written by the switch itself, which alone knows that it is done.
        work.dbt.switch_over(
            self.plan.system,
            run_id=work.run_id,
            tables=self.plan.source_tables,
            lock_ms=switch.LOCK_MS,
            limit_ms=round(self.plan.switch_wait_seconds * 1000),
        )

    def _clean_up(self, work: _Work) -> None:
        """Drop the legacy tables and the views under their names, which a backup holds."""
        conn, watch, notes, tell = work.conn, work.done.watch, work.done.notes, work.dbt.tell
        clean_up.require_unused(conn, self.plan)
        asked = replace(self.settings, legacy_schema=self._legacy_schema)
        with watch.lap("backup", self.plan.tables):
            made = self._patiently(
                lambda: backup.create(asked, self.plan, work.phase.number, tell=tell)
            )
        with watch.lap("verify", self.plan.tables):
            backup.verify(asked, self.plan, made.id, tell=tell)
        notes.append(f"backup {made.id} verified by restoring it: {made.path}")

        def drop() -> None:
            with conn.transaction():
                clean_up.require_unused(conn, self.plan)
                if self.plan.reads_file:
                    clean_up.drop_proofs(conn, asked, self.plan)
                    self._record(work, "done", {"backup": made.id})
                    return
                grants = clean_up.grants(conn, asked, self.plan)
                clean_up.drop_legacy(conn, asked, self.plan)
                self._record(work, "done", {"backup": made.id, "grants": grants})

        with watch.lap("drop"):
            self._patiently(drop)
        if self.plan.reads_file:
            notes.append(
                f"{self.settings.legacy_file} was not touched; it may be replaced now: only the "
                "way back and validate would need it"
            )

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

    def _require_backup(
        self, conn: psycopg.Connection, otherwise: str = "nothing is loaded"
    ) -> None:
        kept = backup.latest_verified(conn, self.plan.system)
        if kept is None or not kept.present:
            what = "there is no verified backup" if kept is None else f"{kept.path} is not here"
            raise Refused(
                f"{what}, so {otherwise}",
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
            legacy = self._legacy_sums(conn) if phase.number <= CREATE else None
            now = take_picture(conn, self.settings, self.plan, legacy=legacy)
            before = max((n for n in pictures if n < phase.number), default=None)
            changed = pictures[before].legacy_changes(now) if before is not None else []
            if changed:
                done.notes.append(f"the application wrote to {some(changed)} meanwhile")
            recorded = pictures.get(phase.number)
            if recorded is not None and self._is_begun_after(conn, phase):
                # Run again while later phases are begun: going back here takes away what they made.
                now = recorded.updated(now, self.plan.loaded_after(phase.number))
            self._record(work, "done", {"picture": now.to_json(), "legacy_changed": changed})

    def _is_begun_after(self, conn: psycopg.Connection, phase: Phase) -> bool:
        return any(step.phase > phase.number for step in state.steps(conn, self.plan.system))

    def _pictures(self, conn: psycopg.Connection) -> dict[int, Picture]:
        """Return what was recorded of each completed phase."""
        return {
            step.phase: Picture.from_json(step.detail["picture"])
            for step in state.steps(conn, self.plan.system)
            if step.step == PHASE_STEP and "picture" in step.detail
        }


def _compared(tables: Mapping[str, tuple[int, int]]) -> list[str]:
    """Say how much of a file was compared, where it was not all of it."""
    if not tables:
        return []
    changed, rows = (sum(counts) for counts in zip(*tables.values(), strict=True))
    what = f"{changed:,} of {rows:,} rows of {', '.join(sorted(tables))}"
    return [f"{what} are where the file changed: only they were compared, and all were proved"]
