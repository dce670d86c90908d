"""What a backup must hold, read from a database, and the comparison with what it does hold."""

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from runner.archive import Manifest, some
from runner.db import Checksum, connect, sql_text, table_checksum
from runner.errors import StepFailed

# Told after each table that was summed: its name and its rows.
Tell = Callable[[str, int], None]


def tables(conn: psycopg.Connection, schemas: list[str]) -> list[tuple[str, str]]:
    """Return (schema, table) of all that a dump of these schemas holds."""
    found = conn.execute(sql_text("backup_tables.sql"), {"schemas": schemas})
    return [(row[0], row[1]) for row in found]


def table_entry(schema: str, table: str, found: Checksum) -> dict[str, Any]:
    """Return what a manifest says of a table."""
    return {"schema": schema, "table": table, "rows": found.rows, "checksum": found.checksum}


def sequences(conn: psycopg.Connection, schemas: list[str]) -> list[dict[str, Any]]:
    """Return how far the sequences of these schemas are."""
    return rows(conn, "backup_sequences.sql", {"schemas": schemas})


def rows(conn: psycopg.Connection, file: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the answer of a packaged query, one dict a row."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(sql_text(file), parameters).fetchall()


def compare(url: str, manifest: Manifest, tell: Tell) -> None:
    """Hold every table and sequence against the manifest. Raises StepFailed, naming them."""
    differences = []
    with connect(url, autocommit=True, read_only=True) as scratch:
        found = set(tables(scratch, manifest["schemas"]))
        for entry in manifest["tables"]:
            schema, table = entry["schema"], entry["table"]
            if (schema, table) not in found:
                differences.append(f"{schema}.{table} is missing")
                continue
            restored = table_checksum(scratch, schema, table)
            if table_entry(schema, table, restored) != entry:
                counts = f"{restored.rows} rows of {entry['rows']}"
                differences.append(f"{schema}.{table} differs ({counts})")
            tell(f"{schema}.{table}", restored.rows)
        differences += behind(manifest["sequences"], sequences(scratch, manifest["schemas"]))
    if differences:
        raise StepFailed(
            f"backup {manifest['id']} is not what was backed up: {some(differences)}",
            f"make a new one: traspaso backup {manifest['system']} create",
        )


def behind(wanted: list[dict[str, Any]], found: list[dict[str, Any]]) -> list[str]:
    """List the sequences that would draw a number again that was drawn before the backup."""

    def name(sequence: dict[str, Any]) -> str:
        return f"{sequence['schemaname']}.{sequence['sequencename']}"

    def is_behind(before: dict[str, Any], after: dict[str, Any]) -> bool:
        if before["last_value"] is None:
            return False
        ahead = (after.get("last_value") or 0) - before["last_value"]
        return after.get("last_value") is None or ahead * before["increment_by"] < 0

    restored = {name(sequence): sequence for sequence in found}
    return [
        f"{name(sequence)} is behind"
        for sequence in wanted
        if is_behind(sequence, restored.get(name(sequence), {}))
    ]
