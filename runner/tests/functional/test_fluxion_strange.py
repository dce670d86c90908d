"""DuckDB files with what nobody thinks of: keys that read alike, other types, parents that go."""

import threading
from dataclasses import replace
from pathlib import Path

import duckdb
import psycopg
import pytest

from runner.settings import Settings
from runner.tests.functional.helpers.tinkubot_cases import Answer, traspaso
from runner.tests.functional.test_fluxion import RUN, changed, rows, write_legacy

pytestmark = pytest.mark.newest

LOCATION = (
    "insert into ubicaciones select * replace ({key} as id, '{code}' as codigo)"
    " from (select * from ubicaciones where id = 'tienda_01')"
)
PRODUCT = (
    "insert into productos select * replace ('{key}' as id, '{key}' as codigo)"
    " from (select * from productos where id = '000001')"
)
STOCK = (
    "insert into stock_actual"
    " select * replace ({location} as ubicacion_id, {product} as producto_id)"
    " from (select * from stock_actual limit 1)"
)
MOVEMENT = (
    "insert into movimientos_inventario select * replace ('{key}' as id, {user} as usuario)"
    " from (select * from movimientos_inventario limit 1)"
)
LOCATIONS = (
    "''", "null", "null", "'u0'", "'u0'", "'u0#2'", "'u0#2'", "'u0#2#2'", "'a' || chr(0)",
    "'a' || chr(0)", r"'a\u0000'", "'b,'", "'b'",
)  # fmt: skip
STOCKS = (
    ("'b,'", "'c'"), ("'b'", "',c'"), ("'b,'", "'c'"), ("'b'", "',c'"), ("''", "''"),
    ("null", "''"), ("''", "null"), ("null", "null"),
)  # fmt: skip
# Keys that are the same text, beside some that two rows share.
ALIKE = (
    *(LOCATION.format(code=code, key=key) for code, key in enumerate(LOCATIONS)),
    *(PRODUCT.format(key=key) for key in ("", ",c", "c")),
    *(STOCK.format(location=location, product=product) for location, product in STOCKS),
)

OTHER_TYPES = (
    "alter table ubicaciones alter direccion type varchar[] using [direccion, 'piso 2']",
    """alter table ubicaciones alter created_at type timestamptz
    using timezone('America/Caracas', created_at)""",
    "update proveedores set telefono = '58414' || right(id, 1)",
    "alter table proveedores alter telefono type bigint",
    "alter table productos alter descripcion_corta type boolean using true",
    "alter table facturas alter subtotal_bs type double",
    "update facturas set subtotal_bs = 123456789012345.67 where id = 'F00000002'",
)

OTHER_CASE = (
    'alter table productos rename to "Productos"',
    'alter table productos rename marca to "MARCA"',
    'alter table items_facturas rename to "Items_Facturas"',
    'alter table items_facturas rename id to "Id"',
)

LINES = (
    "from items_facturas"
    " where factura_id in (select id from facturas where ubicacion_id = 'tienda_01')"
)
COUNTED = f"select count(*) {LINES}"
GONE = (
    f"delete {LINES}",
    "delete from facturas where ubicacion_id = 'tienda_01'",
    "delete from movimientos_inventario where ubicacion_id = 'tienda_01'",
    "delete from stock_actual where ubicacion_id = 'tienda_01'",
    "delete from producto_ubicacion_config where ubicacion_id = 'tienda_01'",
    "delete from ubicaciones where id = 'tienda_01'",
)


def migrate(settings: Settings, tmp_path: Path, *statements: str) -> Settings:
    file = write_legacy(tmp_path / "rara.duckdb", *statements)
    settings = replace(settings, legacy_url=f"duckdb:///{file}", legacy_schema="main")
    answer = load(settings)
    assert answer.code == 0, answer.stderr
    assert proof(settings) == "pass"
    return settings


def load(settings: Settings) -> Answer:
    return traspaso(settings, *RUN, "--through", "3")


def proof(settings: Settings) -> str:
    return str(traspaso(settings, "validate", "fluxion").json["status"])


def test_rows_whose_keys_read_alike_have_a_fate_each(settings: Settings, tmp_path: Path) -> None:
    settings = migrate(settings, tmp_path, *ALIKE)
    found = dict(
        rows(
            settings,
            "select source_key, reasons from traspaso.row_fates"
            " where source_table = 'ubicaciones' and source_key ~ '^(u0|a.u|#|$)'",
        )
    )
    assert found.keys() == {"#2", "#3", "u0#2", "u0#2#2", r"a\u0000#2", r"a\u0000#3"}
    assert found["u0#2"] == found["u0#2#2"] == ["id:unique"]
    kept = rows(settings, r"select id from ubicaciones where id ~ '^(u0|a.u|b|$)' order by 1")
    assert [key for (key,) in kept] == ["", r"a\u0000", "b", "b,", "u0", "u0#2", "u0#2#2"]
    stock = rows(
        settings,
        "select count(*), count(distinct source_key) from traspaso.row_fates"
        " where source_table = 'stock_actual'"
        " and source_key ~ '^(b,,c|,)(#[0-9]+)?$'",
    )
    assert stock == [(5, 5)]


def test_a_column_of_another_type_is_what_is_documented_then(
    settings: Settings, tmp_path: Path
) -> None:
    settings = migrate(settings, tmp_path, *OTHER_TYPES)
    found = rows(
        settings,
        "select direccion, to_char(created_at, 'YYYY-MM-DD HH24:MI') from ubicaciones"
        " where id = 'tienda_01'",
    )
    # A zoned time as it is on the clocks there, as all others are.
    assert found == [("['Av. 1, local 1', piso 2]", "2024-11-04 08:00")]
    assert rows(settings, "select telefono from proveedores where id = 'prov_1'") == [("584141",)]
    # The digits that the number was written with.
    assert rows(settings, "select subtotal_bs::text from facturas where id = 'F00000002'") == [
        ("123456789012345.67",)
    ]
    assert {short for (short,) in rows(settings, "select descripcion_corta from productos")} == {
        "true"
    }


def test_names_are_written_in_any_case(settings: Settings, tmp_path: Path) -> None:
    file = write_legacy(tmp_path / "Mayúsculas.duckdb", *OTHER_CASE)
    settings = replace(settings, legacy_url=f"duckdb:///{file}", legacy_schema="main")
    found = traspaso(settings, "doctor", "fluxion").json
    assert [c for c in found["checks"] if c["status"] == "fail"] == []
    answer = load(settings)
    assert answer.code == 0, answer.stderr
    assert proof(settings) == "pass"
    settings = changed(settings, "update productos set marca = 'otra' where id = '000002'")
    assert load(settings).code == 0
    assert proof(settings) == "pass"
    assert rows(settings, "select marca from productos where id = '000002'") == [("otra",)]


@pytest.mark.parametrize("goes", [True, False], ids=["goes", "is refused"])
def test_a_parent_takes_its_childrens_children_with_it(
    settings: Settings, tmp_path: Path, goes: bool
) -> None:
    settings = migrate(settings, tmp_path)
    held = rows(settings, COUNTED)[0][0]
    assert held > 0
    if goes:
        settings = changed(settings, *GONE)
    else:
        settings = changed(
            settings, "update ubicaciones set nombre = nombre || chr(0) where id = 'tienda_01'"
        )
    answer = load(settings)
    assert answer.code == 0, answer.stderr
    assert proof(settings) == "pass"
    assert rows(settings, COUNTED) == [(0,)]
    refused = rows(
        settings,
        "select count(*) from traspaso.row_fates where source_table = 'items_facturas'"
        " and 'factura_id:foreign_key' = any(reasons)",
    )
    assert (refused[0][0] >= held) is not goes


def test_a_delta_waits_for_a_lock_that_is_held_for_a_while(
    settings: Settings, tmp_path: Path
) -> None:
    settings = migrate(settings, tmp_path)
    settings = changed(settings, "update productos set marca = 'otra' where id = '000002'")
    with psycopg.connect(settings.target_url or "") as conn:
        conn.execute("select from productos where id = '000002' for update")
        release = threading.Timer(12, conn.rollback)
        release.start()
        answer = load(settings)
        release.join()
    assert answer.code == 0, answer.stderr
    assert rows(settings, "select marca from productos where id = '000002'") == [("otra",)]


@pytest.mark.parametrize("is_in_log", [True, False], ids=["in the log", "in the file"])
def test_a_text_that_came_later_is_as_long_as_it_is(
    settings: Settings, tmp_path: Path, is_in_log: bool
) -> None:
    """What the file's statistics say of a column's longest text is asked before a load."""
    file = write_legacy(tmp_path / "larga.duckdb")
    with duckdb.connect(str(file)) as conn:
        if is_in_log:
            conn.execute("pragma disable_checkpoint_on_shutdown")
        for key, text in (("m1", "repeat('ñ', 100)"), ("m2", "repeat('x', 101)")):
            conn.execute(MOVEMENT.format(key=key, user=text))
    assert file.with_name("larga.duckdb.wal").exists() is is_in_log
    settings = replace(settings, legacy_url=f"duckdb:///{file}", legacy_schema="main")
    answer = load(settings)
    assert answer.code == 0, answer.stderr
    assert proof(settings) == "pass"
    found = rows(settings, "select length(usuario) from movimientos_inventario where id = 'm1'")
    assert found == [(100,)]
    refused = rows(
        settings,
        "select source_key, reasons from traspaso.row_fates"
        " where source_table = 'movimientos_inventario' and source_key like 'm_'",
    )
    assert refused == [("m2", ["usuario:length"])]
