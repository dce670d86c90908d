"""A moment by which something must have stopped."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import psycopg

from runner.errors import TraspasoError

_AGAIN_SECONDS = 1.0


class Deadline:
    """Cancels what runs when its moment has come, and again until the block is left.

    `check` raises the error then: to be asked wherever it is safe to stop. Without an error it
    never comes.
    """

    def __init__(
        self,
        moment: datetime | None = None,
        error: TraspasoError | None = None,
        cancel: Callable[[], None] = lambda: None,
    ) -> None:
        self.moment = moment
        self._error = error
        self._cancel = cancel
        self._over = threading.Event()
        self._come = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def check(self) -> None:
        """Raise the error once the moment has come."""
        if self._error is not None and (self._come.is_set() or self._left() <= 0):
            raise self._error

    def over(self) -> None:
        """Cancel nothing any more."""
        self._over.set()
        if self._watcher.is_alive():
            self._watcher.join()

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over()

    def _left(self) -> float:
        return 0 if self.moment is None else (self.moment - datetime.now(UTC)).total_seconds()

    def _watch(self) -> None:
        # In steps: a suspended machine's clock goes on while it waits.
        while (left := self._left()) > 0:
            if self._over.wait(min(left, _AGAIN_SECONDS)):
                return
        while not self._over.is_set():
            self._come.set()
            with suppress(psycopg.Error, TraspasoError):
                self._cancel()
            self._over.wait(_AGAIN_SECONDS)
