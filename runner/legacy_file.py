"""A legacy that is a DuckDB file: read, never written, and known by its hash.

Importing DuckDB takes a while: it is imported when the first file is opened.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from runner import duck
from runner.errors import Unreachable

# Hashes of files by paths, sizes and times: a file is read again when it has changed.
_HASHES: dict[tuple[tuple[str, int, int, int], ...], str] = {}

_ALIAS = "origen"
# What DuckDB says of a file that another process has open for writing.
_HELD = "set lock on file"


def fingerprint(path: Path) -> str:
    """Return the file's SHA-256; two looks at a file that was not written to cost one reading.

    Where DuckDB's write-ahead log lies beside it, of both, one after the other: whoever opens the
    file reads them together. Raises Unreachable where they cannot be read.
    """
    with _troubles(path):
        log = path.with_name(f"{path.name}.wal")
        files = [path, log] if log.exists() else [path]
        key = tuple(_state(each) for each in files)
        if key not in _HASHES:
            digest = hashlib.sha256()
            for each in files:
                with each.open("rb") as file:
                    hashlib.file_digest(file, lambda: digest)
            _HASHES[key] = digest.hexdigest()
        return _HASHES[key]


def _state(path: Path) -> tuple[str, int, int, int]:
    found = path.stat()
    return str(path.resolve()), found.st_size, found.st_mtime_ns, found.st_ctime_ns


def columns(path: Path, schema: str) -> dict[str, dict[str, str]]:
    """Return the types of the columns by table, in DuckDB's words. Raises Unreachable.

    Names are in small letters: DuckDB does not tell them apart by case.
    """
    found: dict[str, dict[str, str]] = {}
    with _opened(path) as conn:
        query = (
            "select table_name, column_name, data_type from duckdb_columns()"
            " where database_name = ? and lower(schema_name) = lower(?) and table_name in"
            " (select table_name from duckdb_tables() where database_name = ?)"
            " order by table_name, column_index"
        )
        for table, column, data_type in conn.execute(query, [_ALIAS, schema, _ALIAS]).fetchall():
            found.setdefault(table.lower(), {})[column.lower()] = data_type
    return found


def rows(path: Path, schema: str, tables: Sequence[str]) -> dict[str, int]:
    """Count the rows of tables; those that are not there count none. Raises Unreachable."""
    with _opened(path) as conn:
        counted = conn.execute(
            "select table_name from duckdb_tables()"
            " where database_name = ? and lower(schema_name) = lower(?)",
            [_ALIAS, schema],
        )
        present = {row[0].lower() for row in counted.fetchall()}
        return {
            name: _count(conn, schema, name) if name in present else 0 for name in tables
        }  # fmt: skip


def _count(conn: Any, schema: str, table: str) -> int:
    relation = _quoted(_ALIAS, schema, table)
    row = conn.execute(f"select count(*) from {relation}").fetchone()  # noqa: S608  # quoted above
    return int(row[0])


def _quoted(*names: str) -> str:
    return ".".join('"{}"'.format(name.replace('"', '""')) for name in names)


@contextmanager
def reading(path: Path, schema: str) -> Iterator[Any]:
    """Give a DuckDB whose tables are the file's, in a quarter of the memory that a load may take.

    Another may be loading from it in this process. Raises Unreachable.
    """
    folder = duck.spill_folder()
    with TemporaryDirectory(
        prefix="traspaso-queries-", dir=folder if folder.is_dir() else None
    ) as spill:
        memory = f"{duck.memory_bytes() // 4}B"
        with _opened(path, {"memory_limit": memory, "temp_directory": spill}) as conn:
            conn.execute(f"use {_quoted(_ALIAS, schema)}")
            yield conn


@contextmanager
def _opened(path: Path, settings: Mapping[str, str] | None = None) -> Iterator[Any]:
    """Attach the file to a DuckDB in memory: one opened read-only attaches no other for writing."""
    import duckdb

    with _troubles(path):
        path.stat()
        conn = duckdb.connect(":memory:", config=dict(settings or {}))
        try:
            quoted = str(path).replace("'", "''")
            conn.execute(f"attach '{quoted}' as {_ALIAS} (read_only)")
            yield conn
        except duckdb.Error as error:
            said = str(error).splitlines()[0]
            raise Unreachable(
                f"{path} cannot be read: {said}",
                "stop the program that has it open for writing, or point TRASPASO_LEGACY_URL at a "
                "copy"
                if _HELD in said
                else "point TRASPASO_LEGACY_URL at a whole DuckDB file that is not encrypted",
            ) from None
        finally:
            conn.close()


@contextmanager
def _troubles(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unreachable(
            f"{path} cannot be read: {os.strerror(error.errno or 0)}",
            "check TRASPASO_LEGACY_URL: duckdb:/// and the path, four slashes for an absolute one",
        ) from None
