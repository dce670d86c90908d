"""The command line in a process of its own, and the memory that it takes."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil

from runner.errors import StepFailed
from runner.settings import PROJECT_DIR

_SAMPLING_SECONDS = 0.05


class PeakMemory:
    """The most resident memory, in bytes, that a process and its children held, as a context."""

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._process = psutil.Process(pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.peak = max(self.peak, self._held())
            if self._stop.wait(_SAMPLING_SECONDS):
                return

    def _held(self) -> int:
        held = 0
        try:
            for process in (self._process, *self._process.children(recursive=True)):
                held += process.memory_info().rss
        except psutil.Error:
            # One of them has just ended.
            return 0
        return held


@dataclass(frozen=True)
class Traspaso:
    """The command line on one database; what it leaves goes with the folder."""

    url: str
    folder: Path
    # The URL of a legacy that is elsewhere.
    legacy: str | None = None

    def __call__(self, *command: str) -> tuple[dict[str, Any], int]:
        """Say it; return its JSON and the peak bytes of its memory. Raises StepFailed."""
        process = subprocess.Popen(
            [sys.executable, "-c", "from runner.cli import main; main()", "--json", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=PROJECT_DIR,
            env=self._environment(),
            text=True,
        )
        try:
            with PeakMemory(process.pid) as memory:
                answer, _ = process.communicate()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if process.returncode != 0:
            said = " ".join(command)
            raise StepFailed(f"{said} failed: {answer.strip()}", "traspaso demo, to see why")
        return json.loads(answer), memory.peak

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PG", "TRASPASO_"))
        }
        if self.legacy is not None:
            kept["TRASPASO_LEGACY_URL"] = self.legacy
        return kept | {
            "TRASPASO_TARGET_URL": self.url,
            "TRASPASO_BACKUP_DIR": str(self.folder / "backups"),
            "TMPDIR": str(self.folder),
        }
