"""The ways the bench loads Fluxion's file: different roads, the same rows and keys."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from runner.bench.loaders import (
    CSV,
    CSV_ONE,
    CURSORS,
    DLT,
    LIMIT,
    METHODS,
    TABLES,
    Keys,
    make_files,
)
from runner.db import sql_text
from runner.fluxion_sample import create_fluxion
from runner.server import PgServer

pytestmark = pytest.mark.newest

KEYS = """
    select conrelid::regclass::text, contype::text, convalidated, pg_get_constraintdef(oid)
    from pg_constraint
    where conrelid::regclass::text = any(%(tables)s) and contype in ('p', 'u', 'f')
    union all
    select indrelid::regclass::text, 'i', indisvalid, pg_get_indexdef(indexrelid)
    from pg_index
    where indrelid::regclass::text = any(%(tables)s) and not indisunique
    order by 1, 2, 4
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fluxion")
    create_fluxion(folder / "fluxion.duckdb", lines=2000)
    make_files(folder / "fluxion.duckdb", folder)
    return folder


@pytest.fixture
def bare(conn: psycopg.Connection, database: str, folder: Path) -> str:
    """Give the URL of a database with the tables, their keys taken off and noted down."""
    conn.execute(sql_text("bench/fluxion.sql"))
    Keys.take_off(database).write(folder)
    return database


def contents(conn: psycopg.Connection) -> dict[str, object]:
    # Written as text, so that a type of another name is no difference, an empty text is.
    return {
        table: conn.execute(
            f"select count(*), sum(hashtextextended(t::text, 0)) from public.{table} as t".encode()  # noqa: S608
        ).fetchone()
        for table in TABLES
    }


def keys(conn: psycopg.Connection) -> list[tuple[object, ...]]:
    return conn.execute(KEYS, {"tables": list(TABLES)}).fetchall()


@pytest.fixture(scope="module")
def expected(pg: PgServer, folder: Path) -> Iterator[tuple[object, object]]:
    """Give the file's rows, as its binary files bring them, and the keys of the finished tables."""
    url = pg.create_database("esperado")
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(sql_text("bench/fluxion.sql"))
        wanted = keys(conn)
        Keys.take_off(url).write(folder)
        METHODS[LIMIT](url, folder / "fluxion.duckdb", folder)
        yield contents(conn), wanted
    pg.drop_database("esperado")


@pytest.mark.parametrize("method", [LIMIT, CURSORS, CSV, CSV_ONE, DLT])
def test_every_road_brings_the_same_rows_and_makes_the_same_keys(
    bare: str,
    conn: psycopg.Connection,
    folder: Path,
    expected: tuple[object, object],
    method: str,
) -> None:
    if method == DLT:
        pytest.importorskip("dlt")
        pytest.importorskip("adbc_driver_postgresql")
    assert keys(conn) == []
    METHODS[method](bare, folder / "fluxion.duckdb", folder)
    assert (contents(conn), keys(conn)) == expected
