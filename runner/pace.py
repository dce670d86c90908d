"""What the window has room for: when a phase may start, and when it must stop."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from psycopg import sql

from runner import legacy_file, state
from runner.clock import Deadline
from runner.console import Console, duration
from runner.dbt import Dbt
from runner.errors import Refused
from runner.estimate import Estimate, estimates, last_rehearsal
from runner.plan import PREPARE_PHASE, Phase, Plan
from runner.settings import Settings


@dataclass(frozen=True)
class Pace:
    """The window of a plan, and what a rehearsal says about its phases."""

    settings: Settings
    plan: Plan
    console: Console

    def require_window(self, *, ignore_window: bool) -> None:
        """Raise Refused while the window is closed."""
        now = datetime.now(UTC)
        window = self.plan.window
        if ignore_window or window.is_open(now):
            return
        raise Refused(
            f"the window {window} is closed; it opens in "
            f"{duration(window.opens_in(now).total_seconds())}",
            f"wait, or: traspaso run {self.plan.system} … --ignore-window",
        )

    def estimates(self, conn: psycopg.Connection) -> Mapping[int, Estimate]:
        """Return what each phase will take with today's rows; nothing before a rehearsal."""
        rehearsal = last_rehearsal(conn, self.plan.system)
        if rehearsal is None:
            return {}
        rows = legacy_rows(conn, self.settings, self.plan)
        done = state.status(conn, self.plan.system).phase
        return estimates(rehearsal, self.plan, rows, done=done)

    def require_fits(self, phase: Phase, expected: Estimate | None) -> datetime | None:
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
    def deadline(
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
        if until is None or overrun or phase.number == PREPARE_PHASE:
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
            yield deadline


def legacy_rows(conn: psycopg.Connection, settings: Settings, plan: Plan) -> dict[str, int]:
    """Count the rows of each legacy table."""
    if settings.legacy_file is not None:
        names = [*plan.source_tables]
        return legacy_file.rows(settings.legacy_file, settings.legacy_schema, names)
    counts = {}
    for table in plan.tables:
        query = sql.SQL("select count(*) from {}").format(
            sql.Identifier(settings.legacy_schema, table.source_table)
        )
        row = conn.execute(query).fetchone()
        counts[table.source_table] = row[0] if row else 0
    return counts
