"""Final tables that are parted by month, through the command line: loaded, proved, taken back."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from runner.server import PgServer
from runner.settings import Settings
from runner.tests.functional.helpers.tinkubot_cases import Answer, new_database, traspaso
from runner.tests.functional.test_fluxion import RUN, change, rows, write_legacy

pytestmark = pytest.mark.newest

PARTED = ("items_facturas", "movimientos_inventario")

# Two months more and a gap between them, a date that must not ask for thousands of parts, one id in
# two months, a row without its date, a row without a parent.
ROWS = (
    """insert into items_facturas select items_facturas.* replace ('L7' || i as id, make_date(2027, 1 + i * 3, 5)
    as fecha) from items_facturas cross join range(2) as t (i) where id = 'L000000010'""",
    """insert into items_facturas select * replace ('L6' as id, date '1207-03-01' as fecha)
    from items_facturas where id = 'L000000010'""",
    """insert into items_facturas select * replace (date '2027-02-03' as fecha)
    from items_facturas where id = 'L000000011'""",
    """insert into movimientos_inventario select * replace ('M9' as id, null as fecha)
    from movimientos_inventario where id = 'M000000003'""",
    """insert into movimientos_inventario select * replace ('M8' as id, 'nada' as producto_id)
    from movimientos_inventario where id = 'M000000003'""",
)
PARTS = """
    select c.relname, pg_get_expr(c.relpartbound, c.oid)
    from pg_inherits inner join pg_class as c on c.oid = inhrelid
    where inhparent = '{}'::regclass order by 1
"""
WHERE = "select id, tableoid::regclass::text from items_facturas where id ~ '^L[67]' order by 1"


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_legacy(tmp_path_factory.mktemp("legado") / "fluxion.db", *ROWS)


@pytest.fixture(scope="module")
def migrated(
    pg: PgServer, legacy: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Settings, Answer]]:
    with (
        new_database(pg, "particiones", tmp_path_factory.mktemp("backups")) as made,
        pytest.MonkeyPatch.context() as patch,
    ):
        settings = replace(made, legacy_url=f"duckdb:///{legacy}", legacy_schema="main")
        patch.setenv("TRASPASO_PARTITIONED", ", ".join(PARTED))
        answer = traspaso(settings, *RUN, "--through", "1")
        assert answer.code == 0, answer
        # What is parted is known by the database from here on.
        patch.delenv("TRASPASO_PARTITIONED")
        answer = traspaso(settings, *RUN, "--through", "3")
        assert answer.code == 0, answer
        yield settings, answer


Migrated = tuple[Settings, Answer]


def test_x(migrated: Migrated) -> None:
    settings, _ = migrated
    print(rows(settings, PARTS.format("items_facturas")))
    print(rows(settings, PARTS.format("movimientos_inventario")))
    print(rows(settings, WHERE))
    print(rows(settings, "select source_table, source_key, reasons from traspaso.row_fates order by 1, 2"))
    print(rows(settings, "select conrelid::regclass, conname, contype, convalidated, pg_get_constraintdef(oid) from pg_constraint where conrelid::regclass::text ~ '^items_facturas(_2027_01)?$'"))
    print(rows(settings, "select * from traspaso.foreign_keys"))
    print(rows(settings, "select indexrelid::regclass, indisvalid, pg_get_indexdef(indexrelid) from pg_index where indrelid::regclass::text ~ '^items_facturas(_2027_01)?$'"))
    v = traspaso(settings, "validate", "fluxion")
    print(v.code, v.json["orphans_by_key"])
    assert 0
