import socket

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from runner.db import (
    SESSION,
    Checksum,
    checksums,
    connect,
    explain,
    server_major,
    table_checksum,
)
from runner.errors import ExitCode, Refused, StepFailed, Unreachable
from runner.server import PgServer

ONE_OF_EACH = """
create table public.todo (
    id integer, t text, n numeric, d double precision, b bytea, ts timestamp, tz timestamptz,
    i interval, m money, j jsonb, u uuid, a text[], fila text, todo text
);
insert into public.todo values
    (1, 'ñ "x", y', 'NaN', 0.1::float8 + 0.2::float8, '\\x00ff', '2025-03-09 02:30',
     '2025-03-09 02:30:00.123456-05', '1 mon 2 days 03:04:05.6', 12.5, '{"a": [1, null]}',
     '6f9619ff-8b86-d011-b42d-00c04fc964ff', '{a,"b,c",null}', 'x', 'y');
insert into public.todo (id) values (2), (2);
"""


def test_the_session_is_the_same_on_any_server(database: str) -> None:
    with connect(database, lock_timeout_ms=1500) as conn:
        for name, value in (SESSION | {"lock_timeout": "1500ms"}).items():
            row = conn.execute("select current_setting(%s, true)", [name]).fetchone()
            assert row is not None
            # An older server knows fewer of them.
            assert row[0] == value or (name == "transaction_timeout" and row[0] is None)


def test_the_session_outlives_a_transaction_that_is_rolled_back(database: str) -> None:
    with connect(database) as conn:
        conn.execute("select 1")
        conn.rollback()
        row = conn.execute("select current_setting('TimeZone')").fetchone()
    assert row == ("UTC",)


@pytest.mark.parametrize("autocommit", [True, False])
def test_read_only_cannot_write(database: str, autocommit: bool) -> None:
    with connect(database, read_only=True, autocommit=autocommit) as conn:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as caught:
            conn.execute("create table public.x ()")
        assert explain(caught.value).exit_code is ExitCode.UNREACHABLE


def test_the_settings_of_a_role_do_not_end_a_long_statement(
    database: str, conn: psycopg.Connection
) -> None:
    # As hosted services do for the roles they hand out.
    conn.execute("create role alojado login")
    conn.execute("alter role alojado set statement_timeout = '50ms'")
    conn.execute("alter role alojado set idle_in_transaction_session_timeout = '50ms'")
    try:
        with connect(make_conninfo(database, user="alojado")) as hosted:
            hosted.execute("select pg_sleep(0.2)")
    finally:
        conn.execute("drop role alojado")


def test_a_checksum_does_not_depend_on_the_session_nor_on_the_order(
    database: str, conn: psycopg.Connection
) -> None:
    conn.execute(ONE_OF_EACH)
    with connect(database) as ours:
        before = table_checksum(ours, "public", "todo")
    assert before.rows == 3
    conn.execute("create table public.copia as select * from public.todo order by id desc")
    statement = sql.SQL("alter database {} set timezone = 'Asia/Tokyo'")
    conn.execute(statement.format(sql.Identifier(conn.info.dbname)))
    with connect(database) as ours:
        assert checksums(ours, [("public", "todo"), ("public", "copia")]) == {
            ("public", "todo"): before,
            ("public", "copia"): before,
        }


@pytest.mark.parametrize(
    "change",
    [
        "update todo set t = 'n' where id = 1",
        "update todo set d = 0.3 where id = 1",
        "update todo set ts = ts + interval '1 microsecond' where id = 1",
        "update todo set t = '' where id = 2",
        "update todo set fila = 'z' where id = 1",
        "delete from todo where ctid = (select max(ctid) from todo)",
        "insert into todo values (3)",
    ],
)
def test_a_checksum_sees_every_change(database: str, conn: psycopg.Connection, change: str) -> None:
    conn.execute(ONE_OF_EACH)
    with connect(database) as ours:
        before = table_checksum(ours, "public", "todo")
        ours.rollback()
        conn.execute(sql.SQL(change))
        assert table_checksum(ours, "public", "todo") != before


def test_a_checksum_takes_any_name_and_an_empty_table(
    database: str, conn: psycopg.Connection
) -> None:
    conn.execute('create table public."Ráro ""t" ()')
    with connect(database) as ours:
        assert table_checksum(ours, "public", 'Ráro "t') == Checksum(0, "0")


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(Unreachable, match="nothing listens there") as caught:
        connect("postgresql://ana:secreta@127.0.0.1:1/tinku")
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert caught.value.message == (
        "cannot use postgresql://ana@127.0.0.1:1/tinku: nothing listens there"
    )
    with pytest.raises(Unreachable, match="nothing listens there"):
        connect("host=/nonexistent dbname=x")


def test_a_host_that_does_not_exist() -> None:
    with pytest.raises(Unreachable, match="host name is unknown"):
        connect("postgresql://ana:secreta@nadie.invalid/tinku")


def test_a_database_or_a_user_that_does_not_exist(pg: PgServer) -> None:
    with pytest.raises(Unreachable, match="the database does not exist"):
        connect(pg.url("nada"))
    with pytest.raises(Unreachable, match="the user does not exist"):
        connect(make_conninfo(pg.url(), user="nadie"))


def test_a_server_without_tls(pg: PgServer) -> None:
    with (
        PgServer(pg.bin_dir, port=_free_port()) as server,
        pytest.raises(Unreachable, match="no trusted TLS connection"),
    ):
        connect(f"{server.url()}?sslmode=require")


def test_a_wrong_password_and_no_password_and_no_entry(pg: PgServer) -> None:
    with PgServer(pg.bin_dir, port=_free_port()) as server:
        with psycopg.connect(server.url(), autocommit=True) as conn:
            conn.execute("create role ana login password 'secreta'")
        (server.data / "pg_hba.conf").write_text("host all ana 127.0.0.1/32 scram-sha-256\n")
        server.restart()
        url = server.url().replace("postgres@", "ana:{}@")
        with connect(url.format("secreta")):
            pass
        for password in ("equivocada", ""):
            with pytest.raises(Unreachable, match="wrong user or password") as caught:
                connect(url.format(password))
            assert "equivocada" not in caught.value.message
        with pytest.raises(Unreachable, match="does not let this user in"):
            connect(server.url())


def test_a_server_that_is_full(pg: PgServer) -> None:
    settings = {"max_connections": "3", "superuser_reserved_connections": "0"}
    with PgServer(pg.bin_dir, settings=settings) as server:
        open_ones = [psycopg.connect(server.url()) for _ in range(3)]
        with pytest.raises(Unreachable, match="takes no more connections"):
            connect(server.url())
        for conn in open_ones:
            conn.close()


def test_a_missing_privilege_is_no_traceback(database: str, conn: psycopg.Connection) -> None:
    conn.execute("create table public.mensajes (id integer)")
    conn.execute("create role ajeno login")
    try:
        with (
            connect(make_conninfo(database, user="ajeno")) as other,
            pytest.raises(psycopg.errors.InsufficientPrivilege) as caught,
        ):
            table_checksum(other, "public", "mensajes")
    finally:
        conn.execute("drop role ajeno")
    error = explain(caught.value)
    assert isinstance(error, Unreachable)
    assert "mensajes" in error.message


def test_a_lock_that_somebody_holds_is_a_refusal(database: str, conn: psycopg.Connection) -> None:
    conn.execute("create table public.mensajes (id integer)")
    with conn.transaction(), connect(database, lock_timeout_ms=50) as ours:
        conn.execute("lock table public.mensajes")
        with pytest.raises(psycopg.errors.LockNotAvailable) as caught:
            table_checksum(ours, "public", "mensajes")
    assert isinstance(explain(caught.value), Refused)


def test_a_lost_connection_can_be_continued(database: str, conn: psycopg.Connection) -> None:
    with connect(database) as ours:
        conn.execute("select pg_terminate_backend(%s)", [ours.info.backend_pid])
        with pytest.raises(psycopg.OperationalError) as caught:
            ours.execute("select 1")
    error = explain(caught.value)
    assert isinstance(error, Unreachable)
    assert "continues" in error.fix


def test_any_other_error_names_table_and_column(conn: psycopg.Connection) -> None:
    conn.execute("create table public.clientes (telefono text not null)")
    with pytest.raises(psycopg.errors.NotNullViolation) as caught:
        conn.execute("insert into public.clientes values (null)")
    error = explain(caught.value)
    assert isinstance(error, StepFailed)
    assert (error.table, error.column) == ("clientes", "telefono")
    assert "\n" not in error.message


def test_the_servers_version_is_known(pg: PgServer, database: str) -> None:
    with connect(database) as conn:
        assert server_major(conn) == pg.major


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
