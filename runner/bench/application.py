"""What the application notices of a migration: its slowest call."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from runner.bench.client import Summary
from runner.bench.command import Traspaso
from runner.bench.figures import figure
from runner.console import Cell, Console, number
from runner.db import connect
from runner.errors import StepFailed
from runner.plan import SWITCH_PHASE, load_plan
from runner.sample import create_legacy
from runner.server import EmbeddedServer
from runner.settings import PROJECT_DIR

BASELINE = "no migration"
CLIENT = "runner.bench.client"

_SYSTEM = "tinkubot"
_DATABASE = "aplicacion"
_MESSAGES_PER_SCALE = 3000
_LONGEST_PAUSE = 1000.0


@dataclass(frozen=True)
class Load:
    """How the application works: connections, and calls a second (0: as fast as it can)."""

    connections: int = 2
    rate: float = 0
    baseline_seconds: float = 8


@dataclass
class Watched:
    """What the application noticed, by what went on; `rows` is what its writes left."""

    calls: dict[str, Summary] = field(default_factory=dict)
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    pending: int = 0
    counted: int = 0

    def require(self, longest: float = _LONGEST_PAUSE) -> None:
        """Raise StepFailed where the application saw an error, or waited for too long (ms)."""
        for name, found in self.calls.items():
            if found.errors:
                raise StepFailed(
                    f"{name}: the application saw {found.errors} errors: {found.messages[0]}",
                    "find out which statement of ours it met",
                )
            if found.slowest > longest:
                raise StepFailed(
                    f"{name}: the application waited {found.slowest / 1000:.1f} s to "
                    f"{found.statement}",
                    "say it again on a quiet machine; if it stays, look for the lock",
                )


class Application:
    """The client's process, for as long as the block lasts."""

    def __init__(self, url: str, load: Load, client: str = CLIENT, *options: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", client, url, *options,
             "--connections", str(load.connections), "--rate", str(load.rate)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PROJECT_DIR,
            text=True,
        )  # fmt: skip

    def now(self, name: str) -> None:
        """Count its calls under this name from now on."""
        self._input.write(f"{name}\n")
        self._input.flush()

    def end(self) -> Watched:
        """Let it end, and return what it noticed. Raises StepFailed where it ended by itself."""
        answer, _ = self._process.communicate()
        if self._process.returncode != 0:
            raise StepFailed("the application's client failed", "read what it says above")
        found = json.loads(answer)
        calls = {name: Summary(**summary) for name, summary in found["calls"].items()}
        return Watched(calls, found["rows"], counted=found.get("counted", 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.communicate()

    @property
    def _input(self) -> IO[str]:
        assert self._process.stdin is not None  # noqa: S101  # it is a pipe
        return self._process.stdin


def watch(url: str, folder: Path, console: Console, load: Load) -> Watched:
    """Run phases 0 to 3, prove them and go back, while the application works on the legacy.

    Raises StepFailed where a phase or the proof fails.
    """
    traspaso = Traspaso(url, folder)
    with Application(url, load) as application:
        application.now(BASELINE)
        time.sleep(load.baseline_seconds)
        for phase in (p for p in load_plan(_SYSTEM).phases if p.number < SWITCH_PHASE):
            name = f"{phase.number} {phase.name}"
            application.now(name)
            with console.progress(name):
                traspaso("run", _SYSTEM, "--phase", str(phase.number), "--ignore-window", "--yes")
        application.now("validate")
        with console.progress("validate"):
            proof = traspaso("validate", _SYSTEM)[0]
        application.now("rollback")
        with console.progress("rollback"):
            traspaso("rollback", _SYSTEM, "--to", "0", "--yes")
        found = application.end()
    found.pending = proof["pending"]
    return found


def noticed(calls: Mapping[str, Summary]) -> list[list[Cell]]:
    """Return the rows of the table: what went on, and what the application noticed of it."""
    return [
        [
            name,
            found.calls,
            found.errors,
            *map(figure, (found.median, found.p99, found.slowest)),
            found.statement,
        ]
        for name, found in calls.items()
    ]


def bench(
    server: EmbeddedServer, folder: Path, console: Console, *, messages: int, load: Load
) -> None:
    """Measure and print. Raises StepFailed where the application saw an error or a long pause."""
    url = server.create_database(_DATABASE)
    try:
        with connect(url) as conn:
            scale = max(messages // _MESSAGES_PER_SCALE, 1)
            rows = create_legacy(conn, scale=scale, dirt=0, messages=messages)
        with connect(url, autocommit=True) as conn:
            conn.execute("vacuum analyze")
        watched = watch(url, folder, console, load)
    finally:
        server.drop_database(_DATABASE)
    _show(console, sum(rows.values()), load, watched)
    watched.require()


def _show(console: Console, rows: int, load: Load, watched: Watched) -> None:
    pace = f"{load.rate:g} calls a second" if load.rate else "as fast as it can"
    console.line(
        f"TinkuBot, {number(rows)} legacy rows; the application on {load.connections} "
        f"connections, {pace}; milliseconds"
    )
    columns = ["", "calls", "errors", " median", "   99 %", "slowest", "what"]
    console.table(columns, noticed(watched.calls))
    migration = [found for name, found in watched.calls.items() if name != BASELINE]
    console.line(
        f"slowest call {max(found.slowest for found in migration):.0f} ms, without a migration "
        f"{watched.calls[BASELINE].slowest:.0f} ms; validate passed, "
        f"{number(watched.pending)} rows pending"
    )
