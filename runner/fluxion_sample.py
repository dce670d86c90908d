"""Fluxion's DuckDB file with invented rows, of any size, clean or with every dirt a file may hold.

`python -m runner.fluxion_sample FILE --lines N` writes one; the rows are made inside DuckDB, a
batch at a time. Clean files have the legacy's keys; dirty ones have none, as a copy of the tables
by CREATE TABLE AS has none, and one DOUBLE column.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import duckdb

# The document's sizes; the order is one in which foreign keys hold.
FULL_SIZE = {
    "ubicaciones": 16,
    "productos": 50_000,
    "categorias_config": 200,
    "proveedores": 100,
    "conjuntos_sustituibles": 500,
    "productos_abc_v2_historico": 1_000_000,
    "producto_ubicacion_config": 800_000,
    "producto_proveedor_config": 150_000,
    "facturas": 20_000_000,
    "movimientos_inventario": 100_000_000,
    "stock_actual": 800_000,
    "items_facturas": 81_000_000,
}
LINES = 300_000
SEED = 1
MAX_DIRT = 0.5

_LOCATIONS = FULL_SIZE["ubicaciones"]
# Below these, rows of other tables could not differ as their keys demand.
_LEAST = {"productos": 20, "categorias_config": 10, "proveedores": 5, "conjuntos_sustituibles": 5}
_PER_PRODUCT = {
    name: FULL_SIZE[name] // FULL_SIZE["productos"]
    for name in (
        "productos_abc_v2_historico",
        "producto_ubicacion_config",
        "producto_proveedor_config",
        "stock_actual",
    )
}
_BATCH = 500_000
_MEMORY = "1GB"
_DIRT_NAME = re.compile(r"^-- (\w+:\w+)$", re.MULTILINE)


@dataclass(frozen=True)
class Fluxion:
    """What a file holds: the rows of each table, and how many are dirty with what.

    `dirty` goes from table to `column:rule` to rows.
    """

    rows: dict[str, int]
    dirty: dict[str, dict[str, int]] = field(default_factory=dict)


def sizes(lines: int) -> dict[str, int]:
    """Return the clean rows of each table for a number of invoice lines, at the full proportions.

    Raises ValueError below one line.
    """
    if lines < 1:
        raise ValueError("a file has at least one line")

    def scaled(name: str) -> int:
        share = round(FULL_SIZE[name] * lines / FULL_SIZE["items_facturas"])
        return max(share, _LEAST.get(name, 1))

    found = {name: scaled(name) for name in FULL_SIZE} | {"ubicaciones": _LOCATIONS}
    return found | {name: found["productos"] * each for name, each in _PER_PRODUCT.items()}


def create_fluxion(
    path: Path,
    *,
    lines: int = LINES,
    dirt: float = 0.0,
    seed: int = SEED,
    keyed: bool = True,
    memory: str = _MEMORY,
) -> Fluxion:
    """Write a file with its 12 tables, indexes and 2 views; the same rows for the same arguments.

    `dirt` is the part of each table's rows that something is wrong with, at most half; where
    there is any, each kind comes at least once. `keyed` says whether a clean file has its keys and
    indexes: they take most of the time, and memory that grows with the rows (half a GB at two
    million lines). Raises ValueError, and FileExistsError.
    """
    if not 0 <= dirt <= MAX_DIRT:
        raise ValueError(f"dirt is between 0 and {MAX_DIRT}")
    rows = sizes(lines)
    if path.exists():
        raise FileExistsError(path)
    with (
        TemporaryDirectory(dir=path.parent) as spill,
        duckdb.connect(path, config={"memory_limit": memory, "temp_directory": spill}) as conn,
    ):
        _create_tables(conn, keyed=keyed and not dirt, drifted=dirt > 0)
        for variable, value in (rows | {"seed": seed}).items():
            _set(conn, variable, value)
        conn.execute(_text("macros.sql"))
        for table, count in rows.items():
            _fill(conn, table, count)
        dirty = {table: _soil(conn, table, rows[table], dirt) for table in rows} if dirt else {}
        if keyed:
            conn.execute(_text("indexes.sql"))
        conn.execute(_text("views.sql"))
        found = {table: conn.table(table).count("*").fetchall()[0][0] for table in rows}
        conn.execute("checkpoint")
    return Fluxion(found, dirty)


def _create_tables(conn: duckdb.DuckDBPyConnection, *, keyed: bool, drifted: bool) -> None:
    if keyed:
        conn.execute(_text("tables.sql"))
        return
    conn.execute("attach ':memory:' as declared")
    file = conn.execute("select current_database()").fetchall()[0][0]
    conn.execute("use declared")
    conn.execute(_text("tables.sql"))
    conn.execute(f'use "{file}"')
    for table in FULL_SIZE:
        conn.table(f"declared.{table}").limit(0).create(table)
    if drifted:
        conn.execute(
            "alter table productos_abc_v2_historico"
            " alter coeficiente_variacion set data type double"
        )
    conn.execute("detach declared")


def _fill(conn: duckdb.DuckDBPyConnection, table: str, rows: int) -> None:
    insert = _text(f"rows/{table}.sql")
    for first in range(0, rows, _BATCH):
        _set(conn, "first", first)
        _set(conn, "past", min(first + _BATCH, rows))
        conn.execute(insert)


def _soil(conn: duckdb.DuckDBPyConnection, table: str, rows: int, dirt: float) -> dict[str, int]:
    """Spread each kind of dirt evenly over a table's clean rows, and count it."""
    kinds = list(_kinds(_text(f"dirt/{table}.sql")))
    dirty = min(max(round(rows * dirt), len(kinds)), rows)
    # Row numbers, not hashes: each kind comes, and no row has two.
    conn.execute(
        "create or replace temp macro is_dirty(n) as"
        " n < getvariable('rows') and n % getvariable('stride') = 0"
        " and n // getvariable('stride') % getvariable('kinds') = getvariable('kind')"
    )
    for variable, value in {
        "rows": rows, "stride": rows // dirty, "kinds": len(kinds),
    }.items():  # fmt: skip
        _set(conn, variable, value)
    found: dict[str, int] = {}
    for kind, (name, statement) in enumerate(kinds):
        _set(conn, "kind", kind)
        count = conn.execute(statement).fetchall()[0][0]
        found[name] = found.get(name, 0) + count
    return found


def _kinds(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name, `column:rule`, and the statement of each kind in a file of them."""
    _, *parts = _DIRT_NAME.split(text)
    return zip(parts[::2], parts[1::2], strict=True)


def _set(conn: duckdb.DuckDBPyConnection, variable: str, value: int) -> None:
    conn.execute(f"set variable {variable} = {value}::bigint")


def _text(name: str) -> str:
    folder = resources.files("runner").joinpath("sql", "legacy", "fluxion")
    return folder.joinpath(name).read_text(encoding="utf-8")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--lines", type=click.IntRange(1), default=LINES, show_default=True)
@click.option("--dirt", type=click.FloatRange(0, MAX_DIRT), default=0.0, show_default=True)
@click.option("--seed", type=int, default=SEED, show_default=True)
@click.option(
    "--keys/--no-keys", "keyed", default=True, help="Without is for sizes that memory forbids."
)
def main(file: Path, lines: int, dirt: float, seed: int, keyed: bool) -> None:  # noqa: FBT001
    """Write a Fluxion-shaped DuckDB FILE with invented rows."""
    made = create_fluxion(file, lines=lines, dirt=dirt, seed=seed, keyed=keyed)
    for table, count in made.rows.items():
        said = ", ".join(f"{name} {rows}" for name, rows in made.dirty.get(table, {}).items())
        click.echo(f"{table:<28}{count:>12,}   {said}".rstrip())
    click.echo(f"{file}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
