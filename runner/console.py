"""The one module that prints: results on stdout; progress, logs and errors on stderr."""

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

from runner.errors import TraspasoError
from runner.plan import EN_DASH

Cell = str | int | float | None

_REDRAW_SECONDS = 0.5
_GAP = "   "
_MINUTE, _HOUR = 60, 3600
_COLORS = {
    "pass": "32", "succeeded": "32", "fail": "31", "failed": "31", "refused": "33",
}  # fmt: skip


def number(value: Cell) -> str:
    """Write a number with thousands separators; a dash for None."""
    if value is None:
        return EN_DASH
    return value if isinstance(value, str) else f"{value:,}"


def duration(seconds: float | None) -> str:
    """Write seconds as m:ss, from one hour on as h:mm:ss; a dash for None."""
    if seconds is None:
        return EN_DASH
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE}:{whole % _MINUTE:02}"
    return f"{whole // _HOUR}:{whole % _HOUR // _MINUTE:02}:{whole % _MINUTE:02}"


def size(count: float) -> str:
    """Write bytes for people, e.g. 1.4 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:  # noqa: PLR2004
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def table_lines(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[str]:
    """Lay out a table: text to the left, numbers, durations and dashes to the right, no rules.

    A column is right-aligned when every cell under its title is a number, a duration or None.
    """
    cells = [[number(cell) for cell in row] for row in rows]
    right = [
        bool(rows) and all(_is_figure(row[index]) for row in rows) for index in range(len(columns))
    ]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]

    def line(texts: Sequence[str]) -> str:
        return _GAP.join(
            text.rjust(width) if is_right else text.ljust(width)
            for text, width, is_right in zip(texts, widths, right, strict=True)
        ).rstrip()

    return [line(columns), *map(line, cells)]


def _is_figure(cell: Cell) -> bool:
    if not isinstance(cell, str):
        return True
    return cell == EN_DASH or cell.replace(":", "").replace(",", "").isdecimal()


@dataclass
class Console:
    """Where a command's answer goes: one JSON object, or lines for people.

    With `as_json`, stdout gets the object given to `answer` and nothing else.
    """

    as_json: bool = False
    verbose: bool = False
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _drawn: int = 0

    def line(self, text: str = "") -> None:
        """Print a line of the answer for people; nothing with `as_json`."""
        if not self.as_json:
            self._write(self.stdout, f"{text}\n")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """Print a table of the answer for people; nothing with `as_json`."""
        for text in table_lines(columns, rows):
            self.line(text)

    def next(self, command: str) -> None:
        """Print the command to type next; nothing with `as_json`."""
        self.line(f"next: {command}")

    def answer(self, payload: Mapping[str, Any]) -> None:
        """Print the JSON object that is the answer; nothing without `as_json`."""
        if self.as_json:
            text = json.dumps(payload, ensure_ascii=False, default=str)
            self._write(self.stdout, f"{text}\n")

    def error(self, error: TraspasoError, payload: Mapping[str, Any] | None = None) -> None:
        """Print an error: as an object that holds what `payload` holds too, or as two lines."""
        if self.as_json:
            self.answer({"status": error.status} | dict(payload or {}) | {"error": error.to_json()})
            return
        self.log(f"{self.colored(error.status)}: {error.message}")
        self.log(f"fix: {error.fix}")

    def log(self, text: str) -> None:
        """Print a line on stderr."""
        self._write(self.stderr, f"{text}\n")

    def detail(self, text: str) -> None:
        """Print a line on stderr if the user wants to see more."""
        if self.verbose:
            self.log(text)

    def colored(self, word: str) -> str:
        """Color a status on a terminal, unless NO_COLOR is set."""
        code = _COLORS.get(word)
        if code is None or not self.is_terminal or self.environ.get("NO_COLOR"):
            return word
        return f"\x1b[{code}m{word}\x1b[0m"

    @property
    def is_terminal(self) -> bool:
        """Whether somebody watches stderr."""
        return self.stderr.isatty() and self.environ.get("TERM") != "dumb"

    @contextmanager
    def progress(self, label: str, total: int | None = None) -> Iterator["Progress"]:
        """Show that something runs: a line drawn again and again, or one when it is over."""
        progress = Progress(label, total)
        stop = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(progress, stop), daemon=True)
        if self.is_terminal:
            watcher.start()
        outcome = "failed"
        try:
            yield progress
            outcome = "done"
        finally:
            stop.set()
            if watcher.is_alive():
                watcher.join()
            self.log(f"{progress.summary()}   {outcome}")

    def _watch(self, progress: "Progress", stop: threading.Event) -> None:
        while not stop.wait(_REDRAW_SECONDS):
            width = shutil.get_terminal_size().columns
            text = progress.line()[: width - 1]
            with self._lock:
                self.stderr.write(f"\r{text}\x1b[K")
                self.stderr.flush()
                self._drawn = len(text)

    def _write(self, stream: TextIO, text: str) -> None:
        with self._lock:
            if self._drawn:
                # What is drawn gives way; the watcher draws it again below.
                self.stderr.write("\r\x1b[K")
                self._drawn = 0
            encoding = stream.encoding or "utf-8"
            stream.write(text.encode(encoding, errors="replace").decode(encoding))
            stream.flush()


@dataclass
class Progress:
    """Something that runs: what, how far, since when. May be told from several threads."""

    label: str
    total: int | None = None
    done: int = 0
    step: str = ""
    clock: Callable[[], float] = time.monotonic
    _started: float | None = None
    _parts: dict[str, "_Part"] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._started = self.clock()

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return self.clock() - (self._started or 0)

    def advance(self, rows: int, step: str | None = None) -> None:
        """Count rows that were done, and name what runs now."""
        with self._lock:
            self.done += rows
            self.step = self.step if step is None else step

    def advance_part(self, name: str, done: int, total: int) -> None:
        """Say how far one of several parts is, at first how far it was before."""
        with self._lock:
            now = self.clock()
            part = self._parts.setdefault(name, _Part(done, now))
            part.done, part.total, part.told = done, total, now
            if done >= total:
                del self._parts[name]

    def remaining(self) -> float | None:
        """Return the seconds left at the rate so far; None while there is none to speak of."""
        if not self.total or not self.done:
            return None
        return self.elapsed * max(self.total - self.done, 0) / self.done

    def line(self) -> str:
        """Describe it on one line, e.g. `2 masters  proveedores  120,400/201,400 rows …`."""
        rows = ""
        if self.total:
            rows = f"{self.done:,}/{self.total:,} rows"
        elif self.done:
            rows = f"{self.done:,} rows"
        left = self.remaining()
        parts = [
            self.label,
            self.step,
            rows,
            f"{duration(self.elapsed)} elapsed",
            "" if left is None else f"{duration(left)} left",
            *(part.line(name) for name, part in [*self._parts.items()]),
        ]
        return "   ".join(part for part in parts if part)

    def summary(self) -> str:
        """Describe it once it is over."""
        rows = f"{self.done:,} rows" if self.done else ""
        return "   ".join(part for part in (self.label, rows, duration(self.elapsed)) if part)


@dataclass
class _Part:
    """A part of something that runs: rows before, and the second that it began at."""

    before: int
    began: float
    done: int = 0
    total: int = 0
    told: float = 0

    def line(self, name: str) -> str:
        """Describe it, with the rate so far: rows a second, and the time that is left."""
        text = f"{name} {self.done:,}/{self.total:,}"
        if self.done <= self.before or self.told <= self.began:
            return text
        rate = (self.done - self.before) / (self.told - self.began)
        left = (self.total - self.done) / rate
        return f"{text}, {rate:,.0f} rows/s, {duration(left)} left"
