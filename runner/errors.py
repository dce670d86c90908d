"""Typed errors: each says what happened, what to type next, and how the process must end."""

from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """How the process ends; the CLI's contract."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    UNREACHABLE = 4


class TraspasoError(Exception):
    """Anything the operator must know; `message` is one line, `fix` is what to type or to check.

    Neither may ever hold a password: what comes from a client program or from the server is
    passed through `settings.redact` first. `table` and `column` are given where they are known.
    """

    def __init__(
        self,
        message: str,
        fix: str,
        exit_code: ExitCode = ExitCode.FAILED,
        *,
        table: str | None = None,
        column: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.exit_code = exit_code
        self.table = table
        self.column = column
        # What a JSON answer holds beside the error, such as the phases that were done.
        self.payload: dict[str, Any] = {}

    @property
    def status(self) -> str:
        """`refused` or `failed`: the word that goes into the JSON answer."""
        return "refused" if self.exit_code is ExitCode.REFUSED else "failed"

    def to_json(self) -> dict[str, str]:
        """Return the `error` object of a JSON answer."""
        error = {"message": self.message, "fix": self.fix}
        if self.table is not None:
            error["table"] = self.table
        if self.column is not None:
            error["column"] = self.column
        return error


class StepFailed(TraspasoError):  # noqa: N818  # an outcome, not always an error
    """A step or a proof failed (exit 1)."""

    def __init__(
        self, message: str, fix: str, *, table: str | None = None, column: str | None = None
    ) -> None:
        super().__init__(message, fix, ExitCode.FAILED, table=table, column=column)


class UsageProblem(TraspasoError):  # noqa: N818  # an outcome, not always an error
    """The command or its environment is wrong (exit 2)."""

    def __init__(
        self, message: str, fix: str, *, table: str | None = None, column: str | None = None
    ) -> None:
        super().__init__(message, fix, ExitCode.USAGE, table=table, column=column)


class Refused(TraspasoError):  # noqa: N818  # an outcome, not always an error
    """It could be done, but not now or not so: window, order, lock, missing `--yes` (exit 3)."""

    def __init__(
        self, message: str, fix: str, *, table: str | None = None, column: str | None = None
    ) -> None:
        super().__init__(message, fix, ExitCode.REFUSED, table=table, column=column)


class Locked(Refused):
    """A lock was not to be had in time; the same may work in a moment."""


class Unreachable(TraspasoError):  # noqa: N818  # an outcome, not always an error
    """A database cannot be reached or used (exit 4)."""

    def __init__(
        self, message: str, fix: str, *, table: str | None = None, column: str | None = None
    ) -> None:
        super().__init__(message, fix, ExitCode.UNREACHABLE, table=table, column=column)
