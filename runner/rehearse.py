"""A rehearsal: every phase and every way back, timed, on a copy restored from the backup."""

import time
from dataclasses import replace

import psycopg

from runner import backup, state
from runner.console import Console
from runner.db import connect, explain
from runner.engine import PREPARE, SWITCH, Engine
from runner.errors import Refused, StepFailed
from runner.estimate import Rehearsal, Rehearsed
from runner.outcome import RunOutcome
from runner.pace import legacy_rows
from runner.plan import Plan
from runner.settings import Settings


def rehearse(settings: Settings, plan: Plan, console: Console) -> Rehearsal:
    """Restore the newest verified backup of phase 0 into a scratch database and run all there.

    Every phase forward, then back one by one, each held against what was recorded after it. The
    scratch database and its backups are gone afterwards; only the times stay, in
    traspaso.rehearsals. Raises Refused without such a backup, StepFailed when a phase or a way
    back fails there.
    """
    url = settings.require_run_target()
    conn = connect(url, autocommit=True, lock_timeout_ms=plan.lock_timeout_ms)
    try:
        with state.operator_lock(conn, plan.system) as lock:
            kept = _rehearsed_backup(conn, plan)
            state.install(conn)
            with (
                backup.scratch_folder(settings, plan.system) as folder,
                backup.scratch_copy(settings, plan, kept.id) as scratch_url,
            ):
                scratch = replace(
                    settings, target_url=scratch_url, backup_dir=folder, backup_s3=None
                )
                found = _run_all(scratch, plan, console, kept.id)
            lock.check()
            found.record(conn, plan.system)
    except psycopg.Error as error:
        raise explain(error, url) from error
    finally:
        conn.close()
    return found


def _rehearsed_backup(conn: psycopg.Connection, plan: Plan) -> backup.Backup:
    fitting = [
        kept
        for kept in backup.recorded(conn, plan.system)
        if kept.verified_at and kept.present and kept.phase == PREPARE
    ]
    if not fitting:
        raise Refused(
            "there is no verified backup of phase 0 here to rehearse on",
            f"traspaso run {plan.system} --phase 0",
        )
    return fitting[-1]


def _run_all(settings: Settings, plan: Plan, console: Console, backup_id: str) -> Rehearsal:
    with connect(settings.require_target(), autocommit=True) as conn:
        # A restored table has no statistics, and its first reader would write hint bits.
        conn.execute("vacuum analyze")
        rows = legacy_rows(conn, settings, plan)
    # Nobody is told of a rehearsal.
    engine = Engine(settings, replace(plan, notifications=()), console)
    # One by one: what a run of several phases does once, each of them does on its own night.
    # What phase 5 drops comes back from a backup only.
    runs = {phase.number: RunOutcome() for phase in plan.phases if phase.number <= SWITCH}
    with console.progress("rehearsal"):
        for number, outcome in runs.items():
            engine.run([number], outcome, ignore_window=True)
        phases = [done for outcome in runs.values() for done in outcome.phases]
        back = {
            done.phase: _go_back(engine, done.phase)
            for done in reversed(phases)
            if done.phase > PREPARE
        }
    return Rehearsal(
        backup_id=backup_id,
        start_seconds=runs[PREPARE].start_seconds,
        rows=rows,
        phases=[
            Rehearsed(done.phase, done.name, done.seconds, back.get(done.phase), done.watch.laps)
            for done in phases
        ],
    )


def _go_back(engine: Engine, phase: int) -> float:
    began = time.monotonic()
    undone = engine.rollback(phase - 1)
    if undone.differences:
        raise StepFailed(
            f"rehearsal: the way back from phase {phase} left other things than it found: "
            f"{', '.join(undone.differences)}",
            "nothing was done to the database itself; find out why before phase 1",
        )
    return time.monotonic() - began
