"""A DuckDB file that has grown and changed since its load: the delta is what a load anew gives."""

import random
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from runner.fluxion_sample import create_fluxion
from runner.plan import load_plan
from runner.server import PgServer
from runner.settings import Settings
from runner.tests.faults.command import start
from runner.tests.functional.helpers.tinkubot_cases import Answer, new_database, traspaso
from runner.tests.functional.test_fluxion import RUN, change, changed, rows

pytestmark = pytest.mark.newest

PLAN = load_plan("fluxion")
LINES = 1_000
# Rows of a range, and of a row group.
GROUP = 50
# In one delta, and after how many seconds at most: it takes as long on a quiet machine.
KILLS, KILLED_WITHIN = 4, 5.0

GROWN = (
    """insert into facturas select * replace (id || 'n' as id) from facturas
    where rowid in (3, 40, 41)""",
    """insert into items_facturas
    select * replace (id || 'n' as id, factura_id || 'n' as factura_id)
    from items_facturas where factura_id in (select id from facturas where rowid in (3, 40, 41))""",
    "update stock_actual set cantidad = cantidad + 1 where rowid in (7, 8)",
    "update productos set marca = 'otra' where rowid = 4",
)
# Of rows that were fine, and of rows that were refused.
SOILED = (
    "update movimientos_inventario set usuario = repeat('x', 101) where rowid in (200, 201)",
    "update items_facturas set factura_id = 'nadie' where rowid = 120",
    """insert into movimientos_inventario select * replace ('otro' as usuario)
    from movimientos_inventario where rowid = 9""",
    """insert into facturas select * replace ('nadie' as id) from facturas where rowid = 5""",
)
# A row takes what is another's alone, which lies far from it.
SHARED = (
    """update productos_abc_v2_historico set codigo_producto = other.codigo_producto,
        ubicacion_id = other.ubicacion_id, fecha_calculo = other.fecha_calculo
    from (select * from productos_abc_v2_historico where rowid = 10) as other
    where productos_abc_v2_historico.rowid = 300""",
    """update productos_abc_v2_historico set clasificacion_xyz = 'Y' where rowid = 310""",
)
PUT_RIGHT = (
    "update movimientos_inventario set usuario = 'corregido' where length(usuario) > 100",
    "update productos_abc_v2_historico set fecha_calculo = date '2031-01-01' where rowid = 10",
    """update items_facturas set factura_id = (select min(id) from facturas)
    where factura_id not in (select id from facturas)""",
)
# What no row group of its own table shows: rows that are gone, and children of a parent that is.
GONE = (
    "delete from movimientos_inventario where rowid in (55, 56)",
    """delete from facturas where id =
        (select factura_id from items_facturas where rowid = 60)""",
)
ROUNDS = ((*GROWN, *SOILED), SHARED, PUT_RIGHT, GONE)

# Where the transaction that makes an unlogged table is rolled back and the server crashes at once,
# the server does not start, see docs/decisions/0063-no-unlogged-tables.md.
WATCH = """
create schema vigila;
create function vigila.no_unlogged_table() returns event_trigger language plpgsql as $$
begin
    if exists (
        select 1 from pg_event_trigger_ddl_commands() as made
        join pg_class on pg_class.oid = made.objid where relpersistence = 'u'
    ) then
        raise 'an unlogged table was made';
    end if;
end $$;
create event trigger no_unlogged_table on ddl_command_end
execute function vigila.no_unlogged_table();
"""

EVIDENCE = (
    """select source_table, source_key, fate, reasons::text, target_key, row::text
    from traspaso.row_fates order by 1, 2""",
    """select source_table, source_key, column_name, rule, before, after, shown
    from traspaso.repairs order by 1, 2, 3""",
)


def picture(settings: Settings) -> dict[str, list[Any]]:
    """Return all rows of all tables, and the evidence."""
    found = {
        table: rows(settings, f"select final::text from public.{table} as final order by 1")  # noqa: S608
        for table in PLAN.target_tables
    }
    return found | {query: rows(settings, query) for query in EVIDENCE}


def load(settings: Settings) -> Answer:
    answer = traspaso(settings, *RUN, "--through", "3")
    assert answer.code == 0, answer
    return answer


def compared(answer: Answer) -> str:
    """Return what the load says of the tables of which it compared a part."""
    notes = [note for phase in answer.json["phases"] for note in phase["notes"]]
    return "; ".join(note for note in notes if "where the file changed" in note)


@dataclass
class Grown:
    """A database; its settings name the file that it was loaded from last."""

    settings: Settings

    def change(self, *statements: str) -> None:
        self.settings = changed(self.settings, *statements)

    def require_as_anew(self, pg: PgServer, folder: Path) -> None:
        """Require what a load of the file into another database gives."""
        copy = shutil.copy(self.settings.legacy_file or "", folder / "fluxion.db")
        with new_database(pg, "fluxion_de_nuevo", folder / "backups") as made:
            anew = replace(made, legacy_url=f"duckdb:///{copy}", legacy_schema="main")
            load(anew)
            assert picture(self.settings) == picture(anew)


@pytest.fixture(scope="module")
def grown(pg: PgServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grown]:
    folder = tmp_path_factory.mktemp("crecido")
    file = folder / "fluxion.db"
    create_fluxion(file, lines=LINES, dirt=0.02)
    with new_database(pg, "fluxion_delta", folder / "backups") as made:
        with psycopg.connect(made.target_url or "", autocommit=True) as conn:
            conn.execute(WATCH)
        settings = replace(
            made, legacy_url=f"duckdb:///{file}", legacy_schema="main", batch_rows=GROUP
        )
        assert compared(load(settings)) == ""
        yield Grown(settings)


@pytest.mark.parametrize("number", range(len(ROUNDS)))
def test_the_delta_of_a_changed_file_is_what_a_load_anew_gives(
    grown: Grown, pg: PgServer, tmp_path: Path, number: int
) -> None:
    grown.change(*ROUNDS[number])
    said = compared(load(grown.settings))
    grown.require_as_anew(pg, tmp_path)
    # Where rows are gone all of the table is compared; of the others hardly any.
    assert ("movimientos_inventario" in said) == (ROUNDS[number] is not GONE)
    assert "stock_actual" in said


# Beside what a round left: whatever the kills leave undone must be seen as changed.
@pytest.mark.parametrize("number", range(2))
def test_a_delta_that_was_killed_is_brought_by_the_same_command(
    grown: Grown, pg: PgServer, tmp_path: Path, number: int
) -> None:
    rng = random.Random(number)  # noqa: S311  # the same moments every time
    grown.change(*(PUT_RIGHT, SOILED)[number])
    environment = {
        "TRASPASO_TARGET_URL": grown.settings.require_target(),
        "TRASPASO_LEGACY_URL": grown.settings.legacy_url or "",
        "TRASPASO_LEGACY_SCHEMA": "main",
        "TRASPASO_BATCH_ROWS": str(GROUP),
        "TRASPASO_BACKUP_DIR": str(grown.settings.backup_dir),
    }
    killed = 0
    for _ in range(KILLS):
        running = start([*RUN, "--through", "3"], environment, tmp_path / "run")
        running.process.join(rng.uniform(0.5, KILLED_WITHIN))
        running.kill(group=True)
        killed += running.answer().code == -signal.SIGKILL
    assert killed > 0
    load(grown.settings)
    grown.require_as_anew(pg, tmp_path)


def test_what_was_changed_in_postgresql_meanwhile_is_brought_back_too(grown: Grown) -> None:
    before = picture(grown.settings)
    change(grown.settings, "update movimientos_inventario set usuario = 'x' where id in "
           "(select id from movimientos_inventario order by id limit 3)")  # fmt: skip
    change(grown.settings, "delete from items_facturas where id in "
           "(select id from items_facturas order by id limit 1)")  # fmt: skip
    load(grown.settings)
    assert picture(grown.settings) == before


def test_only_rows_of_groups_that_changed_are_compared(grown: Grown) -> None:
    ((first, last),) = rows(grown.settings, "select min(id), max(id) from items_facturas")
    grown.change(
        f"update items_facturas set marca_producto = 'nueva' where id in ('{first}', '{last}')"  # noqa: S608
    )
    answer = traspaso(grown.settings, *RUN, "--phase", "3")
    assert answer.code == 0, answer
    assert answer.json["phases"][0]["rows"] == 2
    assert GROUP < int(compared(answer).split(" ")[0]) <= 2 * GROUP
    assert traspaso(grown.settings, "validate", "fluxion").json["status"] == "pass"
