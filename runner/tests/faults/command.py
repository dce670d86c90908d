"""`traspaso` in a process that is there at once: forked from one that has imported dbt."""

import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil

from runner.cli import main
from runner.settings import PROJECT_DIR
from runner.tests.faults.proxy import wait_for
from runner.tests.functional.helpers.tinkubot_cases import Answer

# None of these opens a connection or starts a thread when it is imported.
_PRELOADED = (
    "runner.commands", "dbt.cli.main", "dbt.adapters.postgres", "dbt.task.run",
    "dbt.task.run_operation", "dbt.task.seed", "dbt.task.snapshot", "dbt.parser.manifest",
    "runner.tests.faults.trial",
)  # fmt: skip
# A killed process frees no semaphore: its tracker does, and would say so for each.
_QUIET = "ignore:resource_tracker"
SECONDS = 120.0


@dataclass(frozen=True)
class Running:
    """A command at work, in a session of its own."""

    process: BaseProcess
    output: Path

    @property
    def pid(self) -> int:
        """Its process id, and that of its session and group."""
        return self.process.pid or 0

    def kill(self, *, group: bool) -> None:
        """End it with SIGKILL: it alone, or with the programs it has started."""
        with suppress(ProcessLookupError):
            if group:
                os.killpg(self.pid, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)

    def answer(self) -> Answer:
        """Wait until it has ended."""
        self.process.join(SECONDS)
        if self.process.is_alive():
            self.kill(group=True)
            raise AssertionError(f"it hangs: {self._said()}")
        return self._said()

    def _said(self) -> Answer:
        code = self.process.exitcode
        said = [self.output.with_suffix(end) for end in (".out", ".err")]
        texts = [file.read_text(errors="replace") if file.exists() else "" for file in said]
        return Answer(-1 if code is None else code, *texts)

    def programs(self) -> list[str]:
        """Name what is still alive of its session."""
        found = []
        for process in psutil.process_iter(["name"]):
            with suppress(ProcessLookupError, psutil.Error):
                if os.getsid(process.pid) == self.pid and process.status() != "zombie":
                    found.append(process.info["name"])
        return found


def context() -> ForkServerContext:
    """Return the context that forks; what it imports is imported once a process."""
    if _QUIET not in sys.warnoptions:
        sys.warnoptions.append(_QUIET)
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(list(_PRELOADED))
    return forking


def start(arguments: Sequence[str], environment: Mapping[str, str], output: Path) -> Running:
    """Say `traspaso --json …` and do not wait for it."""
    for end in (".out", ".err"):
        output.with_suffix(end).unlink(missing_ok=True)
    ready = output.with_suffix(".ready")
    ready.unlink(missing_ok=True)
    process = context().Process(
        target=_main, args=(list(arguments), dict(environment), str(output)), daemon=False
    )
    process.start()
    wait_for(lambda: ready.exists() or not process.is_alive(), SECONDS, "a process starts")
    return Running(process, output)


def say(arguments: Sequence[str], environment: Mapping[str, str], output: Path) -> Answer:
    """Say `traspaso --json …` and wait for its answer."""
    return start(arguments, environment, output).answer()


def _main(arguments: list[str], environment: dict[str, str], output: str) -> None:
    os.setsid()
    for number, name, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, f"{output}.out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, f"{output}.err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        handle = os.open(name, flags, 0o600)
        os.dup2(handle, number)
        os.close(handle)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # of the process
    for name in [name for name in os.environ if name.startswith(("PG", "TRASPASO_"))]:
        del os.environ[name]
    os.environ.update(environment)
    tempfile.tempdir = None
    os.chdir(PROJECT_DIR)
    Path(f"{output}.ready").touch()
    main(["--json", *arguments])
