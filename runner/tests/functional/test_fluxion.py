"""A DuckDB file into PostgreSQL, through the command line: clean, dirty, changed, taken back."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
import yaml
from dbt.adapters.factory import FACTORY

from runner import cli, critical, duck
from runner.db import connect
from runner.dbt import Dbt
from runner.plan import load_plan
from runner.server import PgServer
from runner.settings import PROJECT_DIR, Settings
from runner.tests.functional.helpers.tinkubot_cases import Answer, new_database, traspaso
from runner.validate import prove

# Each load takes dbt and DuckDB their start; what is PostgreSQL's own here test_target_table has on
# every version.
pytestmark = pytest.mark.newest

PLAN = load_plan("fluxion")
TABLES = [table.source_table for table in PLAN.tables]
# Rows that one transaction loads, where a load is to have several.
RANGE = 50
SAMPLE = PROJECT_DIR / "seeds" / "legacy" / "fluxion"
RUN = ("run", "fluxion", "--yes", "--ignore-window")

# What a CSV file cannot hold.
DIRT = (
    """insert into items_facturas
    select items_facturas.* replace ('L9' || i as id, 'a' || chr(0) || 'b' as presentacion)
    from items_facturas cross join range(2) as t (i) where id = 'L000000002'""",
    """insert into items_facturas select * replace ('L8' || chr(0) as id)
    from items_facturas where id = 'L000000002'""",
    "alter table facturas alter column tasa_cambio type double",
    "update facturas set tasa_cambio = 'nan' where id = 'F00000002'",
    "update facturas set tasa_cambio = '-infinity' where id = 'F00000004'",
    "update facturas set tasa_cambio = 45.123456 where id = 'F00000003'",
    "update productos set created_at = '4800-01-01 (BC) 00:00:00' where id = '000003'",
)
REASONS = {
    ("items_facturas", "L90"): ["presentacion:type"],
    ("items_facturas", "L8\\u0000"): ["id:type"],
    ("items_facturas", "L000000001#2"): ["id:unique"],
    ("items_facturas", "L900000002"): ["factura_id:foreign_key", "producto_id:foreign_key"],
    ("items_facturas", "L900000003"): ["presentacion:length"],
    ("facturas", "F00000001#2"): ["id:unique"],
    ("facturas", "F00000002"): ["tasa_cambio:type"],
    ("facturas", "F00000004"): ["tasa_cambio:type"],
    ("facturas", "F00000091"): ["ubicacion_id:foreign_key"],
    ("facturas", "F00000092"): ["fecha:range"],
    ("productos", "000003"): ["created_at:range"],
    ("productos", "000017"): ["codigo:unique"],
    ("stock_actual", "tienda_01,000018"): ["producto_id:foreign_key"],
    ("ubicaciones", "tienda_05"): ["codigo:length", "created_at:range"],
    # its product is refused, so this one has no parent
    ("producto_proveedor_config", "pp_3"): ["producto_id:foreign_key"],
}


def write_legacy(path: Path, *statements: str) -> Path:
    """Write the sample's rows to a file, without the keys that would forbid the dirty ones."""
    with duckdb.connect(str(path)) as conn:
        for table in TABLES:
            name = f"legado_fluxion__{table}"
            document = yaml.safe_load((SAMPLE / f"{name}.yml").read_text(encoding="utf-8"))
            types = document["seeds"][0]["config"]["column_types"]
            columns = ", ".join(f"{column} {kind}" for column, kind in types.items())
            conn.execute(f"create table {table} ({columns})")
            conn.execute(f"copy {table} from '{SAMPLE / name}.csv' (header)")
        for statement in statements:
            conn.execute(statement)
    return path


def changed(settings: Settings, *statements: str) -> Settings:
    """Change the file: a copy of it, since dbt keeps the one that it read open."""
    before = settings.legacy_file
    assert before is not None
    file = shutil.copy(before, before.with_stem(f"{before.stem}_"))
    with duckdb.connect(str(file)) as conn:
        for statement in statements:
            conn.execute(statement)
    return replace(settings, legacy_url=f"duckdb:///{file}")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.target_url or "", autocommit=True) as conn:
        return conn.execute(query).fetchall()


def change(settings: Settings, statement: str) -> None:
    with psycopg.connect(settings.target_url or "", autocommit=True) as conn:
        assert conn.execute(statement).rowcount > 0


def in_ranges(settings: Settings, file: Path, patch: pytest.MonkeyPatch) -> Settings:
    """Give the settings of a file whose larger tables come in several ranges."""
    patch.setattr(cli, "load_plan", lambda _: replace(PLAN, batch_rows=RANGE))
    return replace(settings, legacy_url=f"duckdb:///{file}", legacy_schema="main")


@contextmanager
def refusing(settings: Settings, table: str, when: str = "true") -> Iterator[None]:
    """Let the server refuse the rows of a table that come within the block."""
    with psycopg.connect(settings.target_url or "", autocommit=True) as conn:
        conn.execute(
            "create function no_cabe() returns trigger language plpgsql as"
            " $$ begin raise exception 'no cabe'; end $$"
        )
        statement = "create trigger no_cabe before insert on {} for each row when ({})"
        conn.execute(f"{statement.format(table, when)} execute function no_cabe()".encode())
        try:
            yield
        finally:
            conn.execute("drop function no_cabe cascade")


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_legacy(tmp_path_factory.mktemp("legado") / "fluxion.db", *DIRT)


@pytest.fixture(scope="module")
def migrated(
    pg: PgServer, legacy: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Settings, Answer, str]]:
    """Migrate the dirty file once; with the hash that it had before."""
    before = digest(legacy)
    with new_database(pg, "fluxion", tmp_path_factory.mktemp("backups")) as made:
        settings = replace(made, legacy_url=f"duckdb:///{legacy}", legacy_schema="main")
        answer = traspaso(settings, *RUN, "--through", "3")
        assert answer.code == 0, answer
        yield settings, answer, before


Migrated = tuple[Settings, Answer, str]


def test_every_row_has_one_fate_and_the_file_is_as_it_was(migrated: Migrated, legacy: Path) -> None:
    settings, _, before = migrated
    proof = traspaso(settings, "validate", "fluxion").json
    assert proof["status"] == "pass"
    assert {table["source_table"] for table in proof["tables"]} == set(TABLES)
    for table in proof["tables"]:
        found = table["loaded"] + table["merged"] + table["quarantined"] + table["excluded"]
        assert (table["residue"], table["mismatches"]) == (0, 0)
        assert found == table["source_rows"] > 0
    assert digest(legacy) == before


def test_rows_that_postgresql_cannot_hold_are_quarantined_with_their_reasons(
    migrated: Migrated,
) -> None:
    settings, _, _ = migrated
    found = {
        (table, key): reasons
        for table, key, reasons in rows(
            settings, "select source_table, source_key, reasons from traspaso.row_fates"
        )
    }
    assert {key: found.get(key) for key in REASONS} == REASONS
    kept = rows(
        settings,
        "select row ->> 'presentacion' from traspaso.row_fates where source_key = 'L90'",
    )
    assert kept == [("a\\u0000b",)]


def test_a_number_that_lost_digits_is_listed(migrated: Migrated) -> None:
    settings, _, _ = migrated
    assert rows(
        settings, "select source_key, column_name, rule, before, after from traspaso.repairs"
    ) == [("F00000003", "tasa_cambio", "convert", "45.123456", "45.12")]


def test_each_documented_index_and_key_is_there_and_valid(migrated: Migrated) -> None:
    settings, _, _ = migrated
    keys = dict(
        rows(settings, "select contype::text, count(*) from pg_constraint as c"
             " inner join pg_class as t on t.oid = conrelid where t.relnamespace ="
             " 'public'::regnamespace and convalidated and contype <> 'n' group by 1")
    )  # fmt: skip
    assert keys == {"p": 12, "u": 8, "f": 11, "c": 10}
    assert rows(
        settings,
        "select pg_get_expr(indpred, indrelid) from pg_index where indexrelid ="
        " 'idx_stock_reposicion'::regclass",
    ) == [("(requiere_reposicion = true)",)]
    assert rows(settings, "select count(*) from traspaso.foreign_keys") == [(0,)]
    assert rows(settings, "select count(*) from pg_tables where tablename ~ '__'") == [(0,)]


def test_the_views_are_postgresqls_own(migrated: Migrated) -> None:
    settings, _, _ = migrated
    assert rows(settings, "select count(*) > 0 from alertas_inventario") == [(True,)]
    assert rows(settings, "select count(*) > 0 from productos_ubicacion_completa") == [(True,)]


@pytest.mark.parametrize(
    ("plant", "undo", "said"),
    [
        (
            "update facturas set total_bs = total_bs + 0.01 where id = 'F00000010'",
            "update facturas set total_bs = total_bs - 0.01 where id = 'F00000010'",
            ("facturas", "F00000010", "differs", ["total_bs"]),
        ),
        (
            "update productos set descripcion = 'Platano' where id = '000016'",
            "update productos set descripcion = 'Plátano' where id = '000016'",
            ("productos", "000016", "differs", ["descripcion"]),
        ),
        (
            "insert into conjuntos_sustituibles (id, nombre) values ('nuevo', 'nuevo')",
            "delete from conjuntos_sustituibles where id = 'nuevo'",
            ("conjuntos_sustituibles", "nuevo", "no legacy row", []),
        ),
    ],
)
def test_one_planted_change_is_found_with_its_row_and_column(
    migrated: Migrated, plant: str, undo: str, said: tuple[Any, ...]
) -> None:
    settings, _, _ = migrated
    change(settings, plant)
    try:
        answer = traspaso(settings, "validate", "fluxion")
        assert answer.code == 1
        (found,) = answer.json["differences"]
        assert (
            found["source_table"], found["source_key"], found["problem"], list(found["columns"])
        ) == said  # fmt: skip
    finally:
        change(settings, undo)


def test_a_second_run_touches_nothing(migrated: Migrated) -> None:
    settings, _, _ = migrated
    stored = "select max(xmin::text::bigint) from items_facturas"
    fates = (
        "select source_table, source_key, recorded_at::text from traspaso.row_fates order by 1, 2"
    )
    before = rows(settings, stored), rows(settings, fates)
    answer = traspaso(settings, *RUN, "--phase", "3")
    assert answer.code == 0, answer
    assert answer.json["phases"][0]["rows"] == 0
    assert (rows(settings, stored), rows(settings, fates)) == before


def test_dbts_duckdb_holds_next_to_nothing_while_the_critical_queries_are_measured(
    migrated: Migrated, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, _, _ = migrated
    limits = []

    def look(*_: object) -> tuple[list[critical.Measured], list[str]]:
        limits.append(limit())
        return [], []

    def limit() -> str:
        handle = FACTORY.adapters["duckdb"].connections.env().handle()
        return str(handle.cursor().execute("select current_setting('memory_limit')").fetchall())

    monkeypatch.setattr(critical, "measured_quietly", look)
    assert traspaso(settings, *RUN, "--phase", "3").code == 0
    assert limits == ["[('15.2 MiB',)]"]
    assert limit() == f"[('{duck.memory_bytes() / 2**20:.1f} MiB',)]"


def test_a_file_is_loaded_again_not_synced(migrated: Migrated) -> None:
    settings, _, _ = migrated
    answer = traspaso(settings, "sync", "fluxion")
    assert answer.code == 3
    assert "run fluxion --through 3" in answer.json["error"]["fix"]
    assert traspaso(settings, "status", "fluxion").json["state"] == "idle"


def test_what_was_changed_in_postgresql_is_brought_back(migrated: Migrated) -> None:
    settings, _, _ = migrated
    change(settings, "update movimientos_inventario set usuario = 'x' where id = 'M000000003'")
    change(settings, "delete from items_facturas where id = 'L000000010'")
    answer = traspaso(settings, *RUN, "--phase", "3")
    assert answer.code == 0, answer
    assert answer.json["phases"][0]["rows"] == 2
    assert traspaso(settings, "validate", "fluxion").json["status"] == "pass"


def test_foreign_keys_that_a_killed_load_had_taken_off_come_back(migrated: Migrated) -> None:
    settings, _, _ = migrated
    change(
        settings,
        """insert into traspaso.foreign_keys
        select 'public.facturas', conname, 'public.ubicaciones', pg_get_constraintdef(oid)
        from pg_constraint where conname = 'facturas_ubicacion_id_fkey'""",
    )
    with psycopg.connect(settings.target_url or "", autocommit=True) as conn:
        conn.execute("alter table facturas drop constraint facturas_ubicacion_id_fkey")
        conn.execute("delete from traspaso.steps where phase = 3 and step in ('facturas', 'phase')")
    answer = traspaso(settings, *RUN, "--phase", "3")
    assert answer.code == 0, answer
    assert rows(
        settings,
        "select convalidated from pg_constraint where conname = 'facturas_ubicacion_id_fkey'",
    ) == [(True,)]
    assert rows(settings, "select count(*) from traspaso.foreign_keys") == [(0,)]


def test_rolled_back_and_loaded_again_it_is_the_same(migrated: Migrated) -> None:
    settings, _, _ = migrated
    fates = "select source_table, source_key, reasons from traspaso.row_fates order by 1, 2"
    before = rows(settings, fates), traspaso(settings, "validate", "fluxion").json["tables"]
    for phase in (2, 1, 0):
        answer = traspaso(settings, "rollback", "fluxion", "--to", str(phase), "--yes")
        assert answer.code == 0, answer
    assert rows(settings, "select count(*) from pg_class where relname = 'facturas'") == [(0,)]
    answer = traspaso(settings, *RUN, "--through", "3")
    assert answer.code == 0, answer
    after = rows(settings, fates), traspaso(settings, "validate", "fluxion").json["tables"]
    assert after == before


def test_a_missing_file_is_said_before_anything_is_done(settings: Settings, tmp_path: Path) -> None:
    settings = replace(settings, legacy_url=f"duckdb:///{tmp_path}/nada.db", legacy_schema="main")
    answer = traspaso(settings, *RUN, "--through", "3")
    assert answer.code == 1
    assert "nada.db cannot be read" in answer.json["error"]["message"]


def test_a_load_that_broke_off_goes_on_with_the_ranges_that_are_missing(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = in_ranges(settings, write_legacy(tmp_path / "uno.db"), monkeypatch)
    assert traspaso(settings, *RUN, "--through", "2").code == 0
    # A row of the third range.
    with refusing(settings, "items_facturas", f"new.id = 'L{2 * RANGE + 5:09}'"):
        broken = traspaso(settings, *RUN, "--through", "3")
    assert broken.code == 1
    assert "no cabe" in broken.json["error"]["message"]
    loaded = "select id, xmin::text from items_facturas where id < 'L9' order by id"
    before = rows(settings, loaded)
    assert RANGE < len(before) <= 2 * RANGE

    answer = traspaso(settings, *RUN, "--through", "3")
    assert answer.code == 0, answer
    # But for the few that were judged apart, they are the same rows.
    assert len({*before} & {*rows(settings, loaded)}) > RANGE
    assert traspaso(settings, "validate", "fluxion").json["status"] == "pass"
    for table in ("loads", "ranges", "keys_off", "foreign_keys"):
        assert rows(settings, f"select count(*) from traspaso.{table}") == [(0,)]  # noqa: S608


@pytest.mark.parametrize("phase", [1, 0])
def test_a_load_that_broke_off_is_taken_back_with_its_keys(
    settings: Settings, legacy: Path, monkeypatch: pytest.MonkeyPatch, phase: int
) -> None:
    settings = in_ranges(settings, legacy, monkeypatch)
    assert traspaso(settings, *RUN, "--through", "1").code == 0
    keys = "select conname, pg_get_constraintdef(oid) from pg_constraint order by 1, 2"
    indexes = "select indexdef from pg_indexes where schemaname = 'public' order by 1"
    before = rows(settings, keys), rows(settings, indexes)
    with refusing(settings, "productos_abc_v2_historico"):
        assert traspaso(settings, *RUN, "--phase", "2").code == 1
    assert rows(settings, "select count(*) from traspaso.keys_off") != [(0,)]
    back = traspaso(settings, "rollback", "fluxion", "--to", str(phase), "--yes")
    assert back.code == 0, back
    assert rows(settings, "select count(*) from traspaso.loads") == [(0,)]
    assert traspaso(settings, *RUN, "--through", "1").code == 0
    assert (rows(settings, keys), rows(settings, indexes)) == before


def test_rows_of_another_file_are_taken_out_of_a_load_that_broke_off(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = in_ranges(settings, write_legacy(tmp_path / "uno.db"), monkeypatch)
    assert traspaso(settings, *RUN, "--through", "2").code == 0
    with refusing(settings, "movimientos_inventario"):
        assert traspaso(settings, *RUN, "--through", "3").code == 1
    other = write_legacy(
        tmp_path / "dos.db", "update items_facturas set descripcion_producto = 'otra'"
    )
    settings = replace(settings, legacy_url=f"duckdb:///{other}")
    answer = traspaso(settings, *RUN, "--through", "3")
    assert answer.code == 0, answer
    assert rows(
        settings, "select distinct descripcion_producto from items_facturas where id < 'L9'"
    ) == [("otra",)]
    assert traspaso(settings, "validate", "fluxion").json["status"] == "pass"


# What is written over a value, and the column that differs then.
PLANTED = {
    ("items_facturas", "L000000004"): ("precio_unitario", "precio_unitario + 0.0001"),
    ("items_facturas", "L000000010"): ("descripcion_producto", "reverse(descripcion_producto)"),
    ("movimientos_inventario", "M000000003"): ("fecha_hora", "fecha_hora + interval '1 us'"),
    # DuckDB reads a NaN as 0, which this one is in the file.
    ("stock_actual", "tienda_01,000002"): ("cantidad", "'NaN'"),
}


@pytest.mark.parametrize("reads_back", [True, False])
def test_one_changed_value_is_found_by_either_proof(migrated: Migrated, reads_back: bool) -> None:
    settings, _, _ = migrated
    keys = {"stock_actual": "ubicacion_id || ',' || producto_id"}
    for (table, key), (column, value) in PLANTED.items():
        named = keys.get(table, "id")
        change(settings, f"update {table} set {column} = {value} where {named} = '{key}'")  # noqa: S608
    with Dbt(settings, PLAN) as dbt, connect(settings.require_target(), autocommit=True) as conn:
        dbt.parse()
        dbt.prove("fluxion", TABLES, reads_back=reads_back)
        proof = prove(conn, PLAN, PLAN.tables)
    assert {(each.source_table, each.source_key): each.columns for each in proof.differences} == {
        place: (column,) for place, (column, _) in PLANTED.items()
    }
    assert traspaso(settings, *RUN, "--phase", "3").json["phases"][0]["rows"] == len(PLANTED)
