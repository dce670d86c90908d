"""Fluxion's generated file: the legacy's shape, the same rows each time, every kind of dirt."""

from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from runner.fluxion_sample import FULL_SIZE, create_fluxion, main, sizes

# Of a table's constraints as DuckDB names their kinds.
KEYED = {"PRIMARY KEY": 12, "UNIQUE": 8, "FOREIGN KEY": 11, "CHECK": 10}


def contents(path: Path) -> dict[str, int]:
    """Return an order-free hash of each table."""
    with duckdb.connect(path, read_only=True) as conn:
        return {
            table: conn.execute(f"select sum(hash(t)) from {table} as t").fetchall()[0][0]  # noqa: S608
            for table in FULL_SIZE
        }


def constraints(path: Path) -> dict[str, int]:
    with duckdb.connect(path, read_only=True) as conn:
        found = conn.execute(
            "select constraint_type, count(*) from duckdb_constraints() group by all"
        ).fetchall()
    return {kind: count for kind, count in found if kind != "NOT NULL"}


def one(path: Path, query: str) -> int:
    with duckdb.connect(path, read_only=True) as conn:
        return int(conn.execute(query).fetchall()[0][0])


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clean") / "fluxion.duckdb"
    create_fluxion(path, lines=3000)
    return path


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dirty") / "fluxion.duckdb"
    create_fluxion(path, lines=3000, dirt=0.02)
    return path


@given(st.integers(1, 200_000_000))
def test_the_tables_keep_the_documents_proportions(lines: int) -> None:
    rows = sizes(lines)
    assert rows["items_facturas"] == lines
    assert 1 <= rows["facturas"] <= lines
    assert rows["ubicaciones"] == 16
    assert rows["producto_ubicacion_config"] == rows["stock_actual"] == rows["productos"] * 16


def test_at_full_size_the_tables_are_as_large_as_the_document_says() -> None:
    assert sizes(81_000_000) == FULL_SIZE


def test_no_file_has_less_than_a_line() -> None:
    with pytest.raises(ValueError, match="at least one line"):
        sizes(0)


@pytest.mark.parametrize("lines", [1, 2, 7, 1000])
def test_a_clean_file_of_any_size_fits_the_legacys_own_keys(tmp_path: Path, lines: int) -> None:
    made = create_fluxion(tmp_path / "f.duckdb", lines=lines)
    assert made.rows == sizes(lines)
    assert made.dirty == {}


def test_a_clean_file_has_the_legacys_keys_indexes_and_views(clean: Path) -> None:
    assert constraints(clean) == KEYED
    assert one(clean, "select count(*) from duckdb_indexes()") == 13
    assert one(clean, "select count(*) from duckdb_views() where not internal") == 2
    for view in ("alertas_inventario", "productos_ubicacion_completa"):
        assert one(clean, f"select count(*) from {view}") > 0  # noqa: S608


def test_the_same_arguments_make_the_same_rows_and_another_seed_others(
    clean: Path, tmp_path: Path
) -> None:
    again, other = tmp_path / "again.duckdb", tmp_path / "other.duckdb"
    create_fluxion(again, lines=3000, memory="64MB", keyed=False)
    create_fluxion(other, lines=3000, seed=2)
    assert contents(again) == contents(clean)
    assert contents(other)["facturas"] != contents(clean)["facturas"]


def test_without_keys_the_rows_stay_and_only_the_keys_are_gone(tmp_path: Path) -> None:
    path = tmp_path / "f.duckdb"
    create_fluxion(path, lines=100, keyed=False)
    assert constraints(path) == {}
    assert one(path, "select count(*) from duckdb_indexes()") == 0
    kinds = "select count(*) from duckdb_columns() where data_type = 'DOUBLE' and not internal"
    assert one(path, kinds) == 0


@pytest.mark.parametrize("dirt", [0.001, 0.05, 0.5])
def test_each_kind_of_dirt_comes_and_is_counted(tmp_path: Path, dirt: float) -> None:
    made = create_fluxion(tmp_path / "f.duckdb", lines=2000, dirt=dirt)
    assert made.dirty.keys() == FULL_SIZE.keys()
    for kinds in made.dirty.values():
        assert min(kinds.values()) > 0
    assert sum(made.dirty["items_facturas"].values()) == pytest.approx(
        max(2000 * dirt, 8), rel=0.3, abs=2
    )


@pytest.mark.parametrize(
    "query",
    [
        "select count(*) from facturas where contains(cliente_nombre, chr(0))",
        "select count(*) from facturas where strlen(cliente_rif) > 20",
        "select count(*) from facturas where fecha_hora = 'infinity'",
        "select count(*) from facturas where fecha_hora < '4713-01-01 (BC)'::timestamp",
        "select count(*) from facturas where fecha > '5874897-12-31'::date",
        "select count(*) - count(distinct id) from items_facturas",
        "select count(*) from items_facturas anti join productos on producto_id = productos.id",
        "select count(*) from stock_actual where cantidad < 0",
        "select count(*) from proveedores where calificacion_precio not between 1 and 5",
        "select count(*) from productos_abc_v2_historico where isnan(coeficiente_variacion)",
        "select count(*) from productos_abc_v2_historico where isinf(coeficiente_variacion)",
        "select count(*) from ubicaciones where contains(nombre, chr(0))",
    ],
)
def test_what_postgresql_refuses_is_in_a_dirty_file(dirty: Path, query: str) -> None:
    assert one(dirty, query) > 0


def test_nothing_hangs_on_a_dirty_location_or_product(dirty: Path) -> None:
    assert (
        one(
            dirty,
            "select count(*) from facturas where ubicacion_id in"
            " (select id from ubicaciones group by id having count(*) > 1 or id like 'tienda_9%')"
            " and ubicacion_id <> 'tienda_99'",
        )
        == 0
    )


def test_a_file_that_is_there_is_not_written_over(clean: Path) -> None:
    before = contents(clean)
    with pytest.raises(FileExistsError):
        create_fluxion(clean, lines=10)
    assert contents(clean) == before


def test_more_than_half_of_the_rows_cannot_be_dirty(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="dirt is between"):
        create_fluxion(tmp_path / "f.duckdb", dirt=0.6)


def test_the_command_writes_a_file_and_says_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "f.duckdb"
    said = CliRunner().invoke(main, [str(path), "--lines", "50", "--dirt", "0.1", "--seed", "3"])
    assert said.exit_code == 0
    assert "items_facturas" in said.output
    assert "factura_id:foreign_key 1" in said.output
    assert path.exists()
