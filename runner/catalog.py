"""What a database looks like: its catalog in lines, and the checksums of its tables.

Two states are the same when both are. The lines come from the function that dbt's macro
`catalog_lines` makes, so that dbt's tests and the runner compare the same thing.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from runner import legacy_file
from runner.db import Checksum, row_hashes, sql_text, table_checksum
from runner.plan import Plan
from runner.settings import Settings

_SHOWN = 5


# Rows from which on a table that came from a file is counted and not summed up.
_LARGE = 100_000


@dataclass(frozen=True)
class Picture:
    """A state: catalog lines (object, definition), `rows:checksum` of each table by name."""

    lines: tuple[tuple[str, str], ...]
    target: Mapping[str, str]
    legacy: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """One text for the whole catalog, the same in each database that was built alike.

        OIDs are no part of it; they are of `lines`, which tell a table that was replaced.
        """
        text = "\n".join(
            f"{name}={definition}" for name, definition in self.lines if not name.startswith("oid ")
        )
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return what is kept of it in traspaso.steps."""
        return {
            "fingerprint": self.fingerprint,
            "lines": [list(line) for line in self.lines],
            "target": dict(self.target),
            "legacy": dict(self.legacy),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Picture":
        """Read it back."""
        return cls(
            lines=tuple((line[0], line[1]) for line in document["lines"]),
            target=document["target"],
            legacy=document["legacy"],
        )

    def updated(self, now: "Picture", tables: Sequence[str]) -> "Picture":
        """Return this picture with some target tables as they are now: rows, sequences, months."""
        partition = re.compile(
            rf"(table|oid) .+\.({'|'.join(map(re.escape, tables))})_\d{{4}}(_\d\d)?"
        )

        def is_theirs(name: str) -> bool:
            if partition.fullmatch(name):
                return True
            return name.endswith(" position") and any(f".{table}_" in name for table in tables)

        kept = [line for line in self.lines if not is_theirs(line[0])]
        return Picture(
            lines=tuple(sorted(kept + [line for line in now.lines if is_theirs(line[0])])),
            target={**self.target, **{name: now.target[name] for name in tables}},
            legacy=now.legacy,
        )

    def differences(self, later: "Picture", views: Sequence[str] = ()) -> list[str]:
        """Name what is not as it was: catalog objects, then tables of the target.

        What stands in the schemas `views` was made by this project, which may have come in
        another version since: there only what came or went counts.
        """
        ours = tuple(f" {schema}." for schema in views)

        def seen(lines: tuple[tuple[str, str], ...]) -> set[tuple[str, str]]:
            return {
                (name, "" if any(mark in name for mark in ours) else definition)
                for name, definition in lines
            }

        both = {name for name, _ in self.lines} & {name for name, _ in later.lines}
        objects = sorted(
            name
            for name in {name for name, _ in seen(self.lines) ^ seen(later.lines)}
            if name in both or not name.startswith("oid ")
        )
        tables = [
            f"rows of {name}"
            for name in sorted({*self.target, *later.target})
            if self.target.get(name) != later.target.get(name)
        ]
        return objects + tables

    def legacy_changes(self, later: "Picture") -> list[str]:
        """Name the legacy tables whose rows are not as they were."""
        return sorted(name for name in self.legacy if self.legacy[name] != later.legacy.get(name))


def legacy_sums(conn: psycopg.Connection, settings: Settings, plan: Plan) -> dict[str, str]:
    """Return `rows:checksum` of each legacy table, or the hash of the file that holds them."""
    if settings.legacy_file is not None:
        return {settings.legacy_file.name: legacy_file.fingerprint(settings.legacy_file)}
    return _sums(conn, settings.legacy_schema, [*plan.source_tables])


def target_sums(
    conn: psycopg.Connection, settings: Settings, tables: Sequence[str]
) -> dict[str, str]:
    """Return `rows:checksum` of each of these Spanish tables that is there."""
    present = present_tables(conn, settings.target_schema, tables)
    return _sums(conn, settings.target_schema, present)


def take_picture(
    conn: psycopg.Connection,
    settings: Settings,
    plan: Plan,
    *,
    legacy: Mapping[str, str] | None = None,
) -> Picture:
    """Look at the schemas that the system's phases touch, in one snapshot of `conn`.

    `legacy` are the sums of the legacy tables where they were read just now. Where the legacy
    stands in the target database, the positions of its sequences are left out: they belong to the
    application, which goes on working.
    """
    schemas = [settings.target_schema, plan.schemas.staging, plan.schemas.compat]
    if settings.legacy_file is None:
        schemas.append(settings.legacy_schema)
    ours = set(plan.target_tables)
    lines = conn.execute(
        "select object, definition from traspaso.catalog_lines(%s::text[])", [schemas]
    ).fetchall()
    positions = {
        f"sequence {row[0]} position"
        for row in conn.execute(
            sql_text("owned_sequences.sql"),
            {"schema": settings.target_schema, "tables": [*ours]},
        )
    }
    present = present_tables(conn, settings.target_schema, plan.target_tables)
    return Picture(
        lines=tuple(
            sorted(
                (name, definition)
                for name, definition in lines
                if not name.endswith(" position") or name in positions
            )
        ),
        target=_sums(
            conn, settings.target_schema, present, _hashed if plan.reads_file else table_checksum
        ),
        legacy=legacy_sums(conn, settings, plan) if legacy is None else legacy,
    )


def _hashed(conn: psycopg.Connection, schema: str, table: str) -> Checksum:
    """Sum a small table up, and count a large one: its rows are proved against the file."""
    query = sql.SQL("select count(*) from {}").format(sql.Identifier(schema, table))
    row = conn.execute(query).fetchone()
    if row is not None and row[0] > _LARGE:
        return Checksum(rows=row[0], checksum="-")
    return row_hashes(conn, schema, table)


def present_tables(conn: psycopg.Connection, schema: str, tables: Sequence[str]) -> list[str]:
    """Return those of the tables that are there, in the given order."""
    found = conn.execute(sql_text("relations.sql"), {"schemas": [schema], "kinds": ["r", "p"]})
    names = {row[1] for row in found}
    return [name for name in tables if name in names]


def _sums(
    conn: psycopg.Connection,
    schema: str,
    tables: list[str],
    summed: Callable[[psycopg.Connection, str, str], Checksum] = table_checksum,
) -> dict[str, str]:
    sums = {}
    for name in tables:
        found = summed(conn, schema, name)
        sums[name] = f"{found.rows}:{found.checksum}"
    return sums


def some(things: list[str]) -> str:
    """Name the first few, and how many more there are."""
    more = len(things) - _SHOWN
    return ", ".join(things[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
