"""How shadow reads look to a person. Values are personal data: whole rows only with -v."""

from collections.abc import Sequence

from runner.console import Cell, Console
from runner.shadow import Compared


def show_shadow(found: Sequence[Compared], console: Console) -> None:
    """Print a line for each query, then what is wrong with which."""
    console.table(
        ["query", "status", "rows", "in the views", "ms", "in the views", "ratio"],
        [_shadow_cells(compared) for compared in found],
    )
    for compared in found:
        notes = [*compared.messages, *(f"warning: {warning}" for warning in compared.warnings)]
        if not notes:
            continue
        pending = f"   pending {compared.pending:,}" if compared.pending else ""
        console.line(f"{compared.query.name}, line {compared.query.line}{pending}")
        for note in notes:
            console.line(f"  {note}")
        _show_examples(compared, console)
        if compared.is_slow:
            for side, timing in zip(("legacy", "compat"), compared.timings, strict=True):
                console.detail(f"  {side}: {timing.plan}")


def _shadow_cells(compared: Compared) -> list[Cell]:
    rows: Sequence[Cell] = compared.rows or [None, None]
    times: Sequence[Cell] = [round(t.median, 2) for t in compared.timings] or [None, None]
    ratio = None if compared.ratio is None else round(compared.ratio, 2)
    return [compared.query.name, compared.status, *rows, *times, ratio]


def _show_examples(compared: Compared, console: Console) -> None:
    """Print the first column of rows that differ; on stderr, if asked, their values too."""
    legacy, compat = compared.examples
    pairs = {example.key: example for example in compat}
    for before in legacy:
        after = pairs.pop(before.key, None)
        if after is None:
            console.line(f"  only legacy: {compared.columns[0]} {before.key}")
            console.detail(f"    {_values(compared, before.row)}")
            continue
        console.line(f"  differs: {compared.columns[0]} {before.key}")
        for column, old, new in zip(compared.columns, before.row, after.row, strict=True):
            if old != new:
                console.detail(f"    {column}: legacy {old}, compat {new}")
    for after in pairs.values():
        console.line(f"  only compat: {compared.columns[0]} {after.key}")
        console.detail(f"    {_values(compared, after.row)}")


def _values(compared: Compared, row: Sequence[str | None]) -> str:
    return ", ".join(
        f"{column} {value}" for column, value in zip(compared.columns, row, strict=True)
    )
