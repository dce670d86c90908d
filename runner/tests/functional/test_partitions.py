"""Final tables partitioned by month: created, loaded, proved, extended, taken back."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import psycopg
import pytest

from runner.server import PgServer
from runner.settings import Settings
from runner.tests.functional.helpers.dbt_project import Project
from runner.tests.functional.helpers.tinkubot_cases import new_database, start_traspaso, traspaso
from runner.tests.functional.test_fluxion import RUN, change, refusing, rows, write_legacy

pytestmark = pytest.mark.newest

PARTITIONED = ("items_facturas", "movimientos_inventario")

# Rows two years later, a date that must not ask for thousands of partitions, one key in two
# months, and no other key twice, a row without its date, a row without a parent.
ALONE = "delete from {}items_facturas where id = 'L000000001'"
ROWS = (
    ALONE.format(""),
    """insert into items_facturas
    select items_facturas.* replace ('L7' || i as id, make_date(2027, 1 + i * 3, 5) as fecha)
    from items_facturas cross join range(2) as t (i) where id = 'L000000010'""",
    """insert into items_facturas select * replace ('L6' as id, date '1207-03-01' as fecha)
    from items_facturas where id = 'L000000010'""",
    """insert into items_facturas select * replace (date '2027-02-03' as fecha)
    from items_facturas where id = 'L000000011'""",
    """insert into movimientos_inventario select * replace ('M9' as id, null as fecha)
    from movimientos_inventario where id = 'M000000003'""",
    """insert into movimientos_inventario select * replace ('M8' as id, 'nada' as producto_id)
    from movimientos_inventario where id = 'M000000003'""",
)
REASONS = [
    ("L000000011#2", ["id:unique"]),
    ("M8", ["producto_id:foreign_key"]),
    ("M9", ["fecha:not_null"]),
]
# What the application wrote to the file since: another month, and a row of another one than before.
GROWN = (
    """insert into items_facturas select * replace ('L80' as id, date '2027-06-30' as fecha)
    from items_facturas where id = 'L000000010'""",
    "update items_facturas set fecha = date '2027-05-01' where id = 'L71'",
)
CHILDREN = """
    select relname from pg_inherits inner join pg_class as c on c.oid = inhrelid
    where inhparent = '{}'::regclass order by 1
"""
WHERE = "select id, tableoid::regclass::text from items_facturas where id ~ '^L[678]' order by 1"
IN_ANOTHER_MONTH = """
    insert into legado_fluxion.items_facturas
    select (line).* from (
        select jsonb_populate_record(line, '{"fecha": "2025-01-31"}') as line
        from legado_fluxion.items_facturas as line
        where id = 'L000000012'
    ) as copied
"""
KEYS = """
    select conname, contype::text, convalidated, pg_get_constraintdef(oid)
    from pg_constraint
    where conrelid = 'items_facturas'::regclass and contype in ('p', 'f')
    order by 1
"""
INDEXES = """
    select count(*), bool_and(indisvalid) from pg_index
    where indrelid in (select relid from pg_partition_tree('items_facturas') where isleaf)
"""


def partitions(settings: Settings, table: str) -> list[str]:
    """Name the ends of the partitions' names: the months, and what has the rest."""
    return [name.removeprefix(f"{table}_") for (name,) in rows(settings, CHILDREN.format(table))]


def months(first: tuple[int, int], last: tuple[int, int]) -> list[str]:
    """Name each month from one to another, and the rest."""
    numbers = range(first[0] * 12 + first[1] - 1, last[0] * 12 + last[1])
    return [f"{n // 12}_{n % 12 + 1:02}" for n in numbers] + ["resto"]


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_legacy(tmp_path_factory.mktemp("legado") / "fluxion.db", *ROWS)


@pytest.fixture(scope="module")
def created(
    pg: PgServer, legacy: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """Create the tables; what is partitioned the database knows from here on."""
    with (
        new_database(pg, "particiones", tmp_path_factory.mktemp("backups")) as made,
        pytest.MonkeyPatch.context() as patch,
    ):
        settings = replace(made, legacy_url=f"duckdb:///{legacy}", legacy_schema="main")
        patch.setenv("TRASPASO_PARTITIONED", ", ".join(PARTITIONED))
        answer = traspaso(settings, *RUN, "--through", "1")
        assert answer.code == 0, answer
        yield settings


@pytest.fixture(scope="module")
def migrated(created: Settings) -> Settings:
    answer = traspaso(created, *RUN, "--through", "3")
    assert answer.code == 0, answer
    return created


def test_each_month_of_the_legacy_has_its_partition_before_a_row_comes(created: Settings) -> None:
    assert partitions(created, "items_facturas") == months((2024, 11), (2027, 4))
    assert partitions(created, "movimientos_inventario") == months((2024, 11), (2025, 1))
    assert partitions(created, "facturas") == []


def test_a_load_that_fails_without_its_foreign_keys_is_taken_back_with_them(
    created: Settings,
) -> None:
    with refusing(created, "producto_ubicacion_config"):
        assert traspaso(created, *RUN, "--phase", "2").code == 1
        assert rows(created, "select count(*) > 0 from traspaso.foreign_keys") == [(True,)]
    answer = traspaso(created, "rollback", "fluxion", "--to", "1", "--yes")
    assert answer.code == 0, answer
    assert answer.json["differences"] == []


def test_rows_are_in_their_month_and_outliers_in_the_rest(migrated: Settings) -> None:
    assert rows(migrated, WHERE) == [
        ("L6", "items_facturas_resto"),
        ("L70", "items_facturas_2027_01"),
        ("L71", "items_facturas_2027_04"),
    ]


def test_a_key_is_unique_across_the_months_though_the_server_cannot_say_so(
    migrated: Settings,
) -> None:
    found = rows(
        migrated,
        "select source_key, reasons from traspaso.row_fates"
        " where source_key in ('L000000011#2', 'M8', 'M9') order by 1",
    )
    assert found == REASONS
    assert rows(migrated, KEYS) == [
        ("items_facturas_factura_id_fkey", "f", True,
         "FOREIGN KEY (factura_id) REFERENCES facturas(id)"),
        ("items_facturas_pkey", "p", True, "PRIMARY KEY (id, fecha)"),
        ("items_facturas_producto_id_fkey", "f", True,
         "FOREIGN KEY (producto_id) REFERENCES productos(id)"),
    ]  # fmt: skip
    assert rows(migrated, "select count(*) from traspaso.foreign_keys") == [(0,)]
    leaves = len(months((2024, 11), (2027, 4)))
    assert rows(migrated, INDEXES) == [(2 * leaves, True)]
    # One key for each of a partition's, none beside it.
    assert rows(
        migrated,
        "select count(*) from pg_constraint where contype = 'f' and conparentid = 0 and conrelid"
        " in (select relid from pg_partition_tree('items_facturas') where isleaf)",
    ) == [(0,)]


def test_a_key_that_is_repeated_in_another_month_is_found(migrated: Settings) -> None:
    proof = traspaso(migrated, "validate", "fluxion")
    assert proof.json["status"] == "pass", proof
    change(
        migrated,
        "insert into items_facturas select (l).* from (select jsonb_populate_record(l,"
        """ '{"fecha": "2026-05-05"}') as l from items_facturas as l where id = 'L70') as t""",
    )
    try:
        proof = traspaso(migrated, "validate", "fluxion")
        assert proof.code == 1
        assert proof.json["orphans_by_key"]["items_facturas.items_facturas_pkey"] == 1
    finally:
        change(migrated, "delete from items_facturas where id = 'L70' and fecha = '2026-05-05'")


def test_a_backup_holds_it_and_can_be_restored(migrated: Settings) -> None:
    made = traspaso(migrated, "backup", "fluxion", "create")
    assert made.code == 0, made
    (backup,) = made.json["backups"]
    answer = traspaso(migrated, "backup", "fluxion", "verify", backup["id"])
    assert answer.code == 0, answer
    assert answer.json["backups"][0]["verified"]


def test_the_default_partition_does_not_hold_a_new_month_up(migrated: Settings) -> None:
    fresh = "insert into items_facturas select (l).* from (select jsonb_populate_record(l,"
    fresh += """ '{"id": "L99", "fecha": "2031-02-28"}') as l from items_facturas as l"""
    change(migrated, f"{fresh} where id = 'L70') as t")
    where = "select tableoid::regclass::text from items_facturas where id = 'L99'"
    try:
        assert rows(migrated, where) == [("items_facturas_resto",)]
        add = "select traspaso.add_partitions('items_facturas', '2031-01-15', '2031-02-01')"
        assert rows(migrated, add) == [(2,)]
        assert rows(migrated, add) == [(0,)]
        assert rows(migrated, where) == [("items_facturas_2031_02",)]
        assert rows(
            migrated,
            "select count(*) from pg_constraint where conrelid = 'items_facturas_2031_02'::regclass"
            " and conname like '%fkey' and convalidated",
        ) == [(2,)]
        with pytest.raises(psycopg.errors.RaiseException, match="too many"):
            rows(migrated, add.replace("2031-01-15", "1031-01-15"))
    finally:
        change(migrated, "delete from items_facturas where id = 'L99'")
        with psycopg.connect(migrated.target_url or "", autocommit=True) as conn:
            conn.execute("drop table items_facturas_2031_01, items_facturas_2031_02")


def test_keys_of_partitions_that_a_killed_load_left_are_finished(migrated: Settings) -> None:
    leave_keys_of_partitions(migrated)
    answer = traspaso(migrated, *RUN, "--phase", "3")
    assert answer.code == 0, answer
    test_a_key_is_unique_across_the_months_though_the_server_cannot_say_so(migrated)


def leave_keys_of_partitions(settings: Settings) -> None:
    """Do what a load does that is killed before it validates its foreign keys."""
    with psycopg.connect(settings.target_url or "", autocommit=True) as conn:
        conn.execute("set search_path to pg_catalog")
        conn.execute(
            """insert into traspaso.foreign_keys
            select 'public.items_facturas', conname, 'public.facturas', pg_get_constraintdef(oid)
            from pg_constraint where conrelid = 'public.items_facturas'::regclass
                and conname = 'items_facturas_factura_id_fkey'"""
        )
        conn.execute(
            "alter table public.items_facturas drop constraint items_facturas_factura_id_fkey"
        )
        conn.execute(
            "alter table public.items_facturas_2027_01"
            " add constraint items_facturas_factura_id_fkey"
            " foreign key (factura_id) references public.facturas (id) not valid"
        )
        conn.execute(
            "delete from traspaso.steps where phase = 3 and step in ('items_facturas', 'phase')"
        )


def test_a_file_that_has_grown_is_brought_with_its_new_months(
    migrated: Settings, legacy: Path
) -> None:
    # This process has the file as it was attached already.
    grown = Path(shutil.copy(legacy, legacy.with_suffix(".grown")))
    with duckdb.connect(str(grown)) as conn:
        for statement in GROWN:
            conn.execute(statement)
    grown.replace(legacy)
    for expected in (2, 0):
        process = start_traspaso(migrated, *RUN, "--phase", "3")
        stdout, stderr = process.communicate()
        assert process.returncode == 0, stderr
        assert json.loads(stdout)["phases"][0]["rows"] == expected
    assert partitions(migrated, "items_facturas") == months((2024, 11), (2027, 6))
    assert rows(migrated, WHERE) == [
        ("L6", "items_facturas_resto"),
        ("L70", "items_facturas_2027_01"),
        ("L71", "items_facturas_2027_05"),
        ("L80", "items_facturas_2027_06"),
    ]


def test_the_way_back_takes_the_months_away_that_a_load_made(migrated: Settings) -> None:
    leave_keys_of_partitions(migrated)
    for phase, expected in ((2, months((2024, 11), (2027, 4))), (1, months((2024, 11), (2027, 4)))):
        answer = traspaso(migrated, "rollback", "fluxion", "--to", str(phase), "--yes")
        assert answer.code == 0, answer
        assert answer.json["differences"] == []
        assert partitions(migrated, "items_facturas") == expected
        assert len(rows(migrated, KEYS)) == 3
    answer = traspaso(migrated, "rollback", "fluxion", "--to", "0", "--yes")
    assert answer.code == 0, answer
    assert rows(migrated, "select count(*) from pg_class where relname ~ '^items_f'") == [(0,)]


def test_a_table_that_cannot_be_partitioned_any_more_is_refused_by_name(
    created: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRASPASO_PARTITIONED", "facturas,items_facturas")
    answer = traspaso(created, "doctor", "fluxion")
    assert answer.code == 1
    (found,) = [check for check in answer.json["checks"] if check["status"] == "fail"]
    assert found["name"] == "partitions"
    assert "facturas, which cannot be partitioned" in found["detail"]
    with psycopg.connect(created.target_url or "", autocommit=True) as conn:
        conn.execute("create schema otra create table items_facturas ()")
    monkeypatch.setenv("TRASPASO_PARTITIONED", "items_facturas")
    checks = traspaso(replace(created, target_schema="otra"), "doctor", "fluxion").json["checks"]
    (found,) = [check for check in checks if check["name"] == "partitions"]
    assert "otra.items_facturas, which is there, and not partitioned" in found["detail"]


def test_a_folder_that_is_too_small_to_spill_to_is_said_before_a_run(
    created: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "sparse.db"
    shutil.copy(created.legacy_file or "", file)
    with file.open("r+b") as grown:
        grown.truncate(1 << 43)
    settings = replace(created, legacy_url=f"duckdb:///{file}")
    monkeypatch.setenv("TRASPASO_TEMP_DIR", str(tmp_path / "a" / "b"))
    monkeypatch.setenv("TRASPASO_MEMORY_LIMIT", "900TB")
    checks = {
        check["name"]: check for check in traspaso(settings, "doctor", "fluxion").json["checks"]
    }
    assert checks["spill disk"]["status"] == "fail"
    assert f"free in {tmp_path}/a/b" in checks["spill disk"]["detail"]
    assert "8,796.1 GB" in checks["spill disk"]["detail"]
    assert "TRASPASO_TEMP_DIR" in checks["spill disk"]["fix"]
    assert checks["memory"]["status"] == "warn"
    monkeypatch.setenv("TRASPASO_MEMORY_LIMIT", "63MB")
    refused = traspaso(created, "run", "fluxion", "--through", "3", "--yes", "--ignore-window")
    assert refused.code == 1
    assert "DuckDB gets 63 MB" in refused.json["error"]["message"]
    (tmp_path / "a").write_text("no folder")
    checks = {
        check["name"]: check for check in traspaso(created, "doctor", "fluxion").json["checks"]
    }
    assert checks["spill folder"]["status"] == "fail"


def test_on_one_engine_the_contract_alone_says_it(pg: PgServer, tmp_path: Path) -> None:
    name = "particiones_dbt"
    url = pg.create_database(name)
    try:
        with psycopg.connect(url, autocommit=True) as conn:
            project = Project(
                "postgres", tmp_path,
                {"PGDATABASE": name, "PGHOST": conn.info.host, "PGUSER": conn.info.user},
            )  # fmt: skip
            for table, how in (
                ("items_facturas", {"column": "fecha", "every": "month"}),
                ("movimientos_inventario", {"column": "fecha_hora", "every": "year"}),
            ):
                node = project._models[f"model.traspaso.fluxion__{table}"]
                node.config.meta["partition_by"] = how
            project.run("seed", "--select", "tag:fluxion")
            conn.execute("set search_path to fluxion, legado_fluxion")
            conn.execute(ALONE.format("legado_fluxion."))
            conn.execute(IN_ANOTHER_MONTH)
            project.run("run", "--select", "tag:fluxion")
            settings = Settings(target_url=f"{url}&options=-csearch_path%3Dfluxion")
            assert partitions(settings, "items_facturas") == months((2024, 11), (2025, 1))
            assert partitions(settings, "movimientos_inventario")[-1] == "resto"
            assert conn.execute(KEYS).fetchall()[1][3] == "PRIMARY KEY (id, fecha)"
            assert all(row[2] for row in conn.execute(KEYS).fetchall())
            found = conn.execute(
                "select target_table, sum(orphans) from compat_fluxion.huerfanos"
                " group by 1 having sum(orphans) > 0"
            ).fetchall()
            assert found == []
            assert conn.execute(
                "select reasons from traspaso.row_fates where source_key = 'L000000012#2'"
            ).fetchall() == [(["id:unique"],)]
            stored = conn.execute("select max(xmin::text::bigint) from items_facturas").fetchall()
            project.run("run", "--select", "fluxion__items_facturas")
            assert (
                stored
                == conn.execute("select max(xmin::text::bigint) from items_facturas").fetchall()
            )
    finally:
        pg.drop_database(name)
