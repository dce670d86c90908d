"""What the application writes is noted: each row, however it is written."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from runner import capture
from runner.db import connect
from runner.plan import Plan, load_plan
from runner.server import PgServer
from runner.settings import Settings
from runner.tests.functional.helpers.tinkubot_cases import (
    create_empty_legacy,
    new_database,
    traspaso,
)

Noted = list[tuple[str | None, str]]

ROW = "insert into public.professions (id, name) values "
# What the version before this one put on a table.
FORMER = """
create function traspaso.captura_tinkubot_professions() returns trigger
language plpgsql security definer set search_path = '' as $captura$
begin
    insert into traspaso.changes (system, source_table, source_key, operation)
    values ('tinkubot', 'professions', new.id::text, 'i');
    return null;
end
$captura$;
create trigger traspaso_captura after insert or update or delete on public.professions
for each row execute function traspaso.captura_tinkubot_professions();
create trigger traspaso_captura_vaciado after truncate on public.professions
for each statement execute function traspaso.captura_tinkubot_professions()
"""


@pytest.fixture(scope="module")
def site(pg: PgServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with new_database(pg, f"captura_{pg.major}", tmp_path_factory.mktemp("backups")) as settings:
        with psycopg.connect(settings.require_target(), autocommit=True) as conn:
            create_empty_legacy(conn)
        assert traspaso(settings, "run", "tinkubot", "--phase", "0", "--ignore-window").code == 0
        yield settings


@pytest.fixture
def plan() -> Plan:
    return load_plan("tinkubot")


@pytest.fixture
def runner(site: Settings, plan: Plan) -> Iterator[psycopg.Connection]:
    with connect(site.require_target(), autocommit=True) as conn:
        yield conn
        capture.remove(conn, site, plan)
        conn.execute("truncate public.professions, public.provider_professions cascade")
        conn.execute("truncate traspaso.changes")


@pytest.fixture
def application(
    site: Settings, plan: Plan, runner: psycopg.Connection
) -> Iterator[psycopg.Connection]:
    """Give the application's connection; what it writes to two tables is captured."""
    install(site, plan, runner, "professions", "provider_professions")
    with psycopg.connect(site.require_target(), autocommit=True) as conn:
        yield conn


def install(site: Settings, plan: Plan, conn: psycopg.Connection, *tables: str) -> None:
    for table in tables:
        capture.install(conn, site, plan, table)
    conn.execute("truncate traspaso.changes")


def noted(conn: psycopg.Connection, table: str = "professions") -> Noted:
    """Return key and operation of what was noted, and forget it."""
    found = conn.execute(
        "select source_key, operation from traspaso.changes"
        " where system = 'tinkubot' and source_table = %s order by operation, source_key",
        [table],
    ).fetchall()
    conn.execute("delete from traspaso.changes")
    return [(key, operation) for key, operation in found]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (ROW + "(3, 'c')", [("3", "i")]),
        (ROW + "(3, 'c'), (4, 'd')", [("3", "i"), ("4", "i")]),
        (ROW + "(1, 'x') on conflict do nothing", []),
        (
            ROW + "(1, 'x'), (3, 'c') on conflict (id) do update set name = 'x'",
            [("3", "i"), ("1", "u")],
        ),
        ("update public.professions set name = name || 'x'", [("1", "u"), ("2", "u")]),
        ("update public.professions set id = id, name = 'x' where id = 1", [("1", "u")]),
        (
            "update public.professions set id = id + 1 where id = 2",
            [("2", "u"), ("3", "u")],
        ),
        ("update public.professions set name = 'x' where id = 9", []),
        ("delete from public.professions where id = 1", [("1", "d")]),
        ("delete from public.professions", [("1", "d"), ("2", "d")]),
        ("truncate public.professions", [(None, "t")]),
        (
            (
                "merge into public.professions as p using (values (1), (2), (3)) as n (id)"
                " on p.id = n.id when matched and n.id = 1 then delete"
                " when matched then update set name = 'x'"
                " when not matched then insert (id, name) values (n.id, 'n')"
            ),
            [("1", "d"), ("3", "i"), ("2", "u")],
        ),
        (
            (
                "with gone as (delete from public.professions where id = 1 returning id)"
                " insert into public.professions (id, name) select id + 6, 'x' from gone"
            ),
            [("1", "d"), ("7", "i")],
        ),
    ],
)
def test_each_row_that_a_statement_writes_is_noted_once(
    application: psycopg.Connection, statement: str, expected: Noted
) -> None:
    application.execute(ROW + "(1, 'a'), (2, 'b')")
    assert noted(application) == [("1", "i"), ("2", "i")]
    application.execute(statement.encode())
    assert noted(application) == expected


def test_rows_that_are_copied_in_or_written_by_a_cascade_are_noted(
    application: psycopg.Connection,
) -> None:
    application.execute(
        "create table public.jefes (id integer primary key);"
        "insert into public.jefes values (1);"
        "alter table public.professions add jefe integer references public.jefes"
        " on delete cascade on update cascade"
    )
    with application.cursor().copy("copy public.professions (id, name, jefe) from stdin") as copy:
        for n in range(3):
            copy.write_row((n, f"n{n}", 1 if n else None))
    assert noted(application) == [("0", "i"), ("1", "i"), ("2", "i")]
    application.execute("update public.jefes set id = 5")
    assert noted(application) == [("1", "u"), ("2", "u")]
    application.execute("delete from public.jefes")
    assert noted(application) == [("1", "d"), ("2", "d")]
    application.execute("alter table public.professions drop jefe; drop table public.jefes")


def test_a_key_of_several_columns_is_noted_with_null_as_nothing(
    application: psycopg.Connection,
) -> None:
    one = "00000000-0000-4000-8000-000000000001"
    application.execute(
        "insert into public.provider_professions (provider_id, profession_id)"
        " values (%s, 1), (null, null)",
        [one],
    )
    assert noted(application, "provider_professions") == [(",", "i"), (f"{one},1", "i")]
    application.execute("update public.provider_professions set profession_id = 2")
    assert noted(application, "provider_professions") == [
        (",", "u"), (",2", "u"), (f"{one},1", "u"), (f"{one},2", "u"),
    ]  # fmt: skip


def test_a_key_that_another_trigger_changes_is_noted_as_it_was_and_as_it_is(
    site: Settings, plan: Plan, runner: psycopg.Connection, application: psycopg.Connection
) -> None:
    assert "professions" not in capture.missing(runner, site, plan)
    application.execute(
        "create function public.otra_clave() returns trigger language plpgsql as"
        " 'begin new.id := new.id + 10; return new; end';"
        "create trigger otra_clave before update on public.professions"
        " for each row execute function public.otra_clave()"
    )
    # The capture was made for a table where the statement names all columns that change.
    assert "professions" in capture.missing(runner, site, plan)
    install(site, plan, runner, "professions")
    assert "professions" not in capture.missing(runner, site, plan)
    application.execute(ROW + "(1, 'a')")
    application.execute("update public.professions set name = 'b'")
    found = noted(application)
    application.execute("drop trigger otra_clave on public.professions")
    application.execute("drop function public.otra_clave")
    assert found == [("1", "i"), ("1", "u"), ("11", "u")]


def test_a_role_without_rights_is_captured_and_cannot_turn_the_capture_to_its_own_ends(
    application: psycopg.Connection,
) -> None:
    application.execute(
        "create role intruso; grant select, insert, update, delete on public.professions,"
        " public.provider_professions to intruso; create schema trampa;"
        "grant all on schema trampa to intruso; set role intruso;"
        # Names that the functions would take, were one of theirs not qualified.
        "create domain trampa.text as integer;"
        "create table trampa.filas (id integer); create table trampa.changes (id integer);"
        "create temporary table filas (id integer); insert into filas values (77);"
        "create function trampa.otro(text, text) returns boolean language sql"
        " as 'select not ($1 operator(pg_catalog.<>) $2)';"
        "create operator trampa.<> (leftarg = text, rightarg = text, function = trampa.otro);"
        "create function trampa.concat_ws(text, variadic text[]) returns text language sql"
        " as 'select ''x'' || clock_timestamp()::pg_catalog.text';"
        "set search_path = trampa, pg_catalog"
    )
    try:
        application.execute(ROW + "(1, 'a')")
        application.execute("update public.professions set id = 2")
        application.execute("delete from public.professions")
        application.execute("insert into public.provider_professions (profession_id) values (5)")
        application.execute("update public.provider_professions set profession_id = 6")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute("select from traspaso.changes")
        # Even where it may look into the schema.
        application.execute("reset role; grant usage on schema traspaso to intruso")
        application.execute("set role intruso; create temporary table suya (id integer)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="captura_alta"):
            application.execute(
                "create trigger suyo after insert on suya referencing new table as filas"
                " for each statement execute function traspaso.captura_alta_tinkubot_professions()"
            )
    finally:
        application.execute("reset role; reset search_path")
        pairs = application.execute(
            "select source_key, operation from traspaso.changes"
            " where source_table = 'provider_professions' order by operation, source_key"
        ).fetchall()
        found = noted(application)
        application.execute("drop owned by intruso cascade; drop schema trampa; drop role intruso")
    assert found == [("2", "d"), ("1", "i"), ("1", "u"), ("2", "u")]
    assert pairs == [(",5", "i"), (",5", "u"), (",6", "u")]


def test_writers_of_one_table_do_not_wait_for_each_other(
    site: Settings, application: psycopg.Connection
) -> None:
    application.execute(ROW + "(1, 'a'), (2, 'b')")
    noted(application)
    with (
        psycopg.connect(site.require_target()) as one,
        psycopg.connect(site.require_target()) as other,
    ):
        other.execute("set lock_timeout = '1s'")
        for conn, n in ((one, 1), (other, 2)):
            conn.execute("update public.professions set name = 'x' where id = %s", [n])
            conn.execute("delete from public.professions where id = %s", [n])
        one.rollback()
        other.commit()
    assert noted(application) == [("2", "d"), ("2", "u")]


def test_each_partition_is_captured_however_it_is_written(
    site: Settings, plan: Plan, runner: psycopg.Connection, application: psycopg.Connection
) -> None:
    with runner.transaction(force_rollback=True):
        runner.execute(
            "alter table public.professions rename to sin_partes;"
            "create table public.professions (id integer, name text) partition by list (name);"
            "create table public.parte_a partition of public.professions for values in ('a');"
            "create table public.parte_b partition of public.professions for values in ('b')"
        )
        assert "professions" in capture.missing(runner, site, plan)
        install(site, plan, runner, "professions")
        assert "professions" not in capture.missing(runner, site, plan)
        runner.execute(ROW + "(1, 'a'), (2, 'b')")
        runner.execute("insert into public.parte_a values (3, 'a')")
        runner.execute("update public.parte_a set id = 4 where id = 3")
        assert noted(runner) == [("1", "i"), ("2", "i"), ("3", "i"), ("3", "u"), ("4", "u")]
        runner.execute("update public.professions set name = 'b' where id = 1")
        runner.execute("delete from public.parte_b where id = 2")
        assert noted(runner) == [("1", "d"), ("2", "d"), ("1", "i")]
    assert not application.closed


def test_a_table_that_has_become_a_child_is_captured_anew(
    site: Settings, plan: Plan, runner: psycopg.Connection, application: psycopg.Connection
) -> None:
    application.execute("create table public.madre (id integer not null)")
    application.execute("alter table public.professions inherit public.madre")
    try:
        assert "professions" in capture.missing(runner, site, plan)
        install(site, plan, runner, "professions")
        assert "professions" not in capture.missing(runner, site, plan)
        application.execute(ROW + "(1, 'a')")
        application.execute("update public.madre set id = 2")
        assert noted(application) == [("1", "i"), ("1", "u"), ("2", "u")]
    finally:
        application.execute("alter table public.professions no inherit public.madre")
        application.execute("drop table public.madre")


def test_what_a_former_version_left_is_replaced_or_taken_off(
    site: Settings, plan: Plan, runner: psycopg.Connection
) -> None:
    before = objects(runner)
    runner.execute(FORMER)
    assert "professions" in capture.missing(runner, site, plan)
    capture.remove(runner, site, plan)
    assert objects(runner) == before
    runner.execute(FORMER)
    install(site, plan, runner, "professions")
    assert "professions" not in capture.missing(runner, site, plan)
    runner.execute(ROW + "(1, 'a')")
    assert noted(runner) == [("1", "i")]
    capture.remove(runner, site, plan)
    assert objects(runner) == before


def test_a_trigger_that_is_gone_or_disabled_is_missed(
    site: Settings, plan: Plan, runner: psycopg.Connection
) -> None:
    for change in ("drop trigger {} on {}", "alter table {1} disable trigger {0}"):
        for kind in ("alta", "cambio", "baja", "clave", "vaciado"):
            install(site, plan, runner, "professions")
            assert "professions" not in capture.missing(runner, site, plan)
            runner.execute(
                sql.SQL(change).format(
                    sql.Identifier(f"traspaso_captura_{kind}"),
                    sql.Identifier("public", "professions"),
                )
            )
            assert "professions" in capture.missing(runner, site, plan)
            capture.remove(runner, site, plan)


def objects(conn: psycopg.Connection) -> list[tuple[object, ...]]:
    """Return all functions of ours and all triggers of the legacy."""
    return conn.execute(
        "select proname::text from pg_catalog.pg_proc where pronamespace = 'traspaso'::regnamespace"
        " union all select tgname from pg_catalog.pg_trigger where not tgisinternal order by 1"
    ).fetchall()
