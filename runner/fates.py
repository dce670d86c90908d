"""Legacy rows that were not simply loaded: quarantined, merged, excluded; listed and exported."""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.string import TextLoader

from runner.db import sql_text
from runner.errors import StepFailed, UsageProblem

# Rows fetched at once while exporting: memory stays bounded, a row may hold a whole message.
_BATCH = 1_000

_COLUMNS = (
    "source_table",
    "source_key",
    "fate",
    "reasons",
    "target_table",
    "target_key",
    "row",
    "recorded_at",
)


@dataclass(frozen=True)
class Fate:
    """One legacy row and why it was not simply loaded; `row` is the whole legacy row.

    Reasons are `column:rule`; `target_key` is the row it met, where there is one.
    """

    source_table: str
    source_key: str
    fate: str
    reasons: list[str]
    target_table: str
    target_key: str | None
    row: dict[str, Any]
    recorded_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON types; the time as ISO 8601 in UTC."""
        return asdict(self) | {"recorded_at": _utc(self.recorded_at)}


@dataclass(frozen=True)
class Count:
    """How many rows of a legacy table have a fate for a reason; None where none is given."""

    source_table: str
    fate: str
    reason: str | None
    rows: int

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return asdict(self)


def list_fates(
    conn: psycopg.Connection,
    system: str,
    *,
    fate: str | None = None,
    table: str | None = None,
    reason: str | None = None,
    limit: int | None = None,
) -> list[Fate]:
    """Return the rows by legacy table and key; none where nothing was ever run.

    `reason` is a whole reason (`telefono:length`), or a column or a rule alone. Numbers in `row`
    are as exact as a float; `export` writes every digit.
    """
    if not _is_installed(conn):
        return []
    with conn.cursor(row_factory=class_row(Fate)) as cursor:
        cursor.execute(
            sql_text("fates_list.sql"), _filters(system, fate, table, reason) | {"limit": limit}
        )
        return cursor.fetchall()


def summary(conn: psycopg.Connection, system: str) -> list[Count]:
    """Count the rows by legacy table, fate and reason; a row counts under each of its reasons."""
    if not _is_installed(conn):
        return []
    with conn.cursor(row_factory=class_row(Count)) as cursor:
        return cursor.execute(sql_text("fates_summary.sql"), {"system": system}).fetchall()


def export(
    conn: psycopg.Connection,
    system: str,
    path: Path,
    *,
    fate: str | None = None,
    table: str | None = None,
    reason: str | None = None,
) -> int:
    """Write the rows to a .csv or .jsonl file, as they come, and return how many there were.

    The file is there whole or not at all, and readable by its owner only: it holds personal
    data. A file of that name is replaced. Raises UsageProblem for another extension or a folder
    that does not exist, StepFailed when it cannot be written.
    """
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise UsageProblem(
            f"{path.name} is neither .csv nor .jsonl", f"traspaso fates {system} export FILE.csv"
        )
    if not path.parent.is_dir():
        raise UsageProblem(f"there is no folder {path.parent}", f"mkdir -p {path.parent}")
    with _replacing(path) as file, conn.transaction():
        return write(file, _rows(conn, _filters(system, fate, table, reason)))


def _filters(
    system: str, fate: str | None, table: str | None, reason: str | None
) -> dict[str, str | None]:
    return {"system": system, "fate": fate, "table": table, "reason": reason}


def _is_installed(conn: psycopg.Connection) -> bool:
    row = conn.execute(sql_text("fates_installed.sql")).fetchone()
    return row is not None and bool(row[0])


def _rows(conn: psycopg.Connection, filters: dict[str, str | None]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows in batches; the legacy row as the text that the server has for it."""
    if not _is_installed(conn):
        return
    with conn.cursor(name="traspaso_fates") as cursor:
        # As a Python number a numeric would lose digits.
        cursor.adapters.register_loader("jsonb", TextLoader)
        cursor.itersize = _BATCH
        cursor.execute(sql_text("fates_list.sql"), filters | {"limit": None})
        yield from cursor


def _write_csv(file: IO[str], rows: Iterable[tuple[Any, ...]]) -> int:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    count = 0
    for *key, reasons, target_table, target_key, row, recorded_at in rows:
        writer.writerow(
            [*key, "; ".join(reasons), target_table, target_key, row, _utc(recorded_at)]
        )
        count += 1
    return count


def _write_jsonl(file: IO[str], rows: Iterable[tuple[Any, ...]]) -> int:
    count = 0
    for values in rows:
        entry = dict(zip(_COLUMNS, values, strict=True))
        row = entry.pop("row")
        entry["recorded_at"] = _utc(entry["recorded_at"])
        line = json.dumps(entry, ensure_ascii=False)
        file.write(f'{line.removesuffix("}")}, "row": {row}}}\n')
        count += 1
    return count


_WRITERS: dict[str, Callable[[IO[str], Iterable[tuple[Any, ...]]], int]] = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
}


@contextmanager
def _replacing(path: Path) -> Iterator[IO[str]]:
    """Give a file beside `path` that takes its place when the block ends well."""
    try:
        # Made for its owner only, 0600.
        with NamedTemporaryFile(
            "w",
            encoding="utf-8",
            newline="",
            dir=path.parent,
            prefix=f".{path.name}.",
            delete=False,
        ) as file:
            partial = Path(file.name)
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
    except OSError as error:
        raise StepFailed(
            f"{path} cannot be written: {error.strerror or error}",
            "choose another folder, or free space there, and say the command again",
        ) from None


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
