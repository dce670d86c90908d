"""What the fault suite has found, as a table."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from runner.tests.faults.trial import NAMES, Outcome

_COLUMNS = ("phase", "killed", "kills", "resumed", "rolled back", "rows lost", "rows doubled")


def tally(outcomes: Iterable[Outcome]) -> list[list[str | int]]:
    """Return a line a phase and kind of kill, and the totals."""
    lines: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0] * 5)
    total = [0] * 5
    for outcome in outcomes:
        undone = 0
        for number, (kill, _) in enumerate(outcome.killed):
            first = number == 0
            # Rows are compared once for several kills in a row: they count for the first.
            undone += kill.victim != "orphans"
            found = [
                1, int(outcome.resumed > number),
                int(kill.victim != "orphans" and outcome.rolled_back >= undone),
                outcome.lost if first else 0, outcome.doubled if first else 0,
            ]  # fmt: skip
            for line in (lines[outcome.trial.phase, kill.victim], total):
                line[:] = [a + b for a, b in zip(line, found, strict=True)]
    rows: list[list[str | int]] = [
        [NAMES[phase], victim, *counts] for (phase, victim), counts in sorted(lines.items())
    ]
    return [*rows, ["all", "", *total]]


def render(rows: Sequence[Sequence[str | int]]) -> str:
    """Return the table as text, numbers to the right."""
    texts = [[*_COLUMNS], *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[n]) for row in texts) for n in range(len(_COLUMNS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if n < 2 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in texts
    )
