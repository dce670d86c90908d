import pytest

from runner.errors import (
    ExitCode,
    Refused,
    StepFailed,
    TraspasoError,
    Unreachable,
    UsageProblem,
)


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        (StepFailed, 1, "failed"),
        (UsageProblem, 2, "failed"),
        (Refused, 3, "refused"),
        (Unreachable, 4, "failed"),
    ],
)
def test_each_outcome_has_its_exit_code_and_status(
    kind: type[StepFailed], code: int, status: str
) -> None:
    error = kind("what happened", "what to type", table="mensajes")
    assert isinstance(error, TraspasoError)
    assert error.exit_code is ExitCode(code)
    assert error.status == status
    assert error.to_json() == {
        "message": "what happened",
        "fix": "what to type",
        "table": "mensajes",
    }
