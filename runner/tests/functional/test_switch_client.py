"""The application writes on all through the switch and the way back, and loses nothing."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from runner.bench.application import Load
from runner.bench.switch import BACK, VIEWS, watch
from runner.bench.switch_client import SPANISH
from runner.console import Console
from runner.sample import create_legacy
from runner.server import PgServer
from runner.settings import Settings
from runner.tests.faults.picture import take
from runner.tests.functional.helpers.tinkubot_cases import TABLES, new_database, traspaso, uid

pytestmark = pytest.mark.newest

READY = ("run", "tinkubot", "--through", "1", "--yes", "--ignore-window")
SWITCH = ("run", "tinkubot", "--through", "4", "--yes", "--ignore-window")
# A test's machine is slow, and busy with other tests.
LONGEST_MS = 5000


def test_a_client_that_writes_all_through_the_switch_and_back_notices_nothing_and_loses_nothing(
    pg: PgServer, settings: Settings, conn: psycopg.Connection, tmp_path: Path
) -> None:
    create_legacy(conn, dirt=0, messages=200)
    url = settings.require_target()
    first = take(pg, url)
    assert traspaso(settings, *READY).code == 0
    load = Load(connections=3, rate=300, baseline_seconds=2)
    found = watch(url, tmp_path, Console(), load, at_once=True)
    found.require(LONGEST_MS)
    assert all(found.calls[name].calls for name in ("2 to 4", VIEWS, f"{BACK} {SPANISH}")), (
        found.calls
    )
    assert all(found.before.rows.values())
    assert found.before.counted
    assert found.after.counted
    assert traspaso(settings, "validate", "tinkubot").code == 0
    undone = traspaso(settings, "rollback", "tinkubot", "--to", "0", "--yes")
    assert (undone.code, undone.json["differences"]) == (0, [])
    last = take(pg, url)
    assert last.ddl == first.ddl
    assert last.oids == first.oids


@pytest.fixture(scope="module")
def switched(pg: PgServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Give a database that is switched."""
    with new_database(pg, "cambiada", tmp_path_factory.mktemp("cambiada")) as settings:
        with psycopg.connect(settings.require_target(), autocommit=True) as conn:
            create_legacy(conn, dirt=0, messages=30)
        assert traspaso(settings, *SWITCH).code == 0
        yield settings


@pytest.fixture
def application(switched: Settings) -> Iterator[psycopg.Connection]:
    """Give a new session of the application."""
    url = switched.require_target()
    with psycopg.connect(url, autocommit=True, options="-c datestyle=ISO") as conn:
        yield conn


@pytest.mark.parametrize("table", [name for name in TABLES if name != "users"])
def test_a_row_that_is_selected_for_update_through_a_view_is_locked_in_the_spanish_table(
    application: psycopg.Connection, switched: Settings, table: str
) -> None:
    lock = sql.SQL("select * from public.{} limit 1 for update").format(sql.Identifier(table))
    target = sql.SQL("select count(*) from (select 1 from public.{} for update skip locked) as f")
    (name,) = TABLES[table]
    with application.transaction():
        assert len(application.execute(lock).fetchall()) == 1
        with psycopg.connect(switched.require_target()) as other:
            free = other.execute(target.format(sql.Identifier(name))).fetchone()
            count = sql.SQL("select count(*) from public.{}").format(sql.Identifier(name))
            every = other.execute(count).fetchone()
    assert free is not None
    assert every is not None
    assert every[0] - free[0] == 1


def test_the_first_write_of_a_session_may_be_a_delete(application: psycopg.Connection) -> None:
    row = application.execute("select id from public.task_queue limit 1").fetchone()
    deleted = application.execute("delete from public.task_queue where id = %s", row)
    assert deleted.rowcount == 1


def test_a_message_that_was_written_by_the_spanish_names_has_its_telephone_and_is_updated(
    application: psycopg.Connection,
) -> None:
    application.execute(
        "insert into public.mensajes (id, telefono, tipo_mensaje, contenido)"
        " values (%s, '+593991230000', 'texto', 'hola')",
        [uid(1)],
    )
    updated = application.execute(
        "update public.messages set content = 'chao' where id = %s returning phone", [uid(1)]
    ).fetchone()
    assert updated == ("+593991230000",)


def test_a_session_whose_user_is_gone_can_still_be_updated(
    application: psycopg.Connection,
) -> None:
    found = application.execute(
        "select s.id, u.id from public.sessions as s join public.users as u on u.id = s.user_id"
        " limit 1"
    ).fetchone()
    assert found is not None
    application.execute("delete from public.users where id = %s", [found[1]])
    updated = application.execute(
        "update public.sessions set status = 'expired' where id = %s returning status", [found[0]]
    ).fetchone()
    assert updated == ("expired",)


def test_the_professions_of_a_provider_that_was_deleted_come_back_on_the_way_back(
    application: psycopg.Connection, switched: Settings
) -> None:
    every = "select * from public.provider_professions where provider_id = %s order by 1, 2, 3"
    provider = application.execute(
        "select min(provider_id::text) from public.provider_professions"
    ).fetchone()
    before = application.execute(every, provider).fetchall()
    assert before
    application.execute("delete from public.users where id = %s", provider)
    assert application.execute(every, provider).fetchall() == []
    back = traspaso(switched, "rollback", "tinkubot", "--to", "3", "--yes")
    assert (back.code, back.json.get("differences")) == (0, []), back
    assert application.execute(every, provider).fetchall() == before
    assert traspaso(switched, "validate", "tinkubot").code == 0
