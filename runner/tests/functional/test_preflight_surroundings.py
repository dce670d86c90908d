"""What doctor sees around the legacy: the way to the server, disks, replication, odd databases."""

import shutil
import socket
import subprocess
import time
from collections import namedtuple
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from runner import preflight
from runner.db import connect, sql_text
from runner.errors import StepFailed
from runner.plan import Plan, load_plan
from runner.preflight import Check, others, space
from runner.preflight.connection import exposed_hosts, network_hosts, shares_sessions
from runner.server import PgServer
from runner.settings import Settings
from runner.tests.conftest import servers
from runner.tests.functional.helpers.tinkubot_cases import traspaso

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def plan() -> Plan:
    return load_plan("tinkubot")


@pytest.fixture
def legacy(conn: psycopg.Connection) -> psycopg.Connection:
    conn.execute(sql_text("legacy/tinkubot.sql"))
    return conn


def look(settings: Settings, plan: Plan) -> tuple[Check, ...]:
    """Check as a run does: on a connection that could write."""
    with connect(settings.require_target(), autocommit=True) as conn:
        return preflight.checks(settings, plan, conn)


def of(found: tuple[Check, ...], name: str) -> list[tuple[str, str]]:
    return [(check.status, check.detail) for check in found if check.name == name]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


# --- TLS ----------------------------------------------------------------------------------------

LOCAL = {
    "nothing": {},
    "socket": {"host": "/var/run/postgresql"},
    "abstract socket": {"host": "@socket"},
    "localhost": {"host": "localhost"},
    "loopback": {"host": "127.1.2.3"},
    "loopback 6": {"host": "::1"},
    "mapped": {"host": "::ffff:127.0.0.1"},
    "tunnel": {"host": "db.example", "hostaddr": "127.0.0.1"},
    "several": {"host": "localhost,/tmp", "port": "1,2"},
}
OVER_THE_NETWORK = {
    "name": ({"host": "db.example"}, ["db.example"]),
    "address": ({"host": "192.0.2.1"}, ["192.0.2.1"]),
    "address 6": ({"host": "2001:db8::1"}, ["2001:db8::1"]),
    "hostaddr": ({"hostaddr": "192.0.2.1"}, ["192.0.2.1"]),
    "hostaddr wins": ({"host": "localhost", "hostaddr": "192.0.2.1"}, ["192.0.2.1"]),
    "one of several": ({"host": "localhost,db.example"}, ["db.example"]),
    "looks local": ({"host": "localhost.example,127.0.0.1.example"},
                    ["localhost.example", "127.0.0.1.example"]),
    "any": ({"host": "0.0.0.0"}, ["0.0.0.0"]),  # noqa: S104  # as a client's target
}  # fmt: skip


@pytest.mark.parametrize("case", LOCAL)
def test_a_socket_or_loopback_needs_no_tls(case: str) -> None:
    assert network_hosts(LOCAL[case]) == []
    assert exposed_hosts(LOCAL[case] | {"sslmode": "disable"}) == []


@pytest.mark.parametrize("case", OVER_THE_NETWORK)
def test_anything_else_needs_verify_full(case: str) -> None:
    parameters, hosts = OVER_THE_NETWORK[case]
    for mode in ("disable", "prefer", "require", "verify-ca"):
        assert exposed_hosts(parameters | {"sslmode": mode}) == hosts
    assert exposed_hosts(parameters) == hosts
    assert exposed_hosts(parameters | {"sslmode": "verify-full"}) == []


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def speaks_tls(bin_dir: Path) -> bool:
    """Whether a server was built with TLS: those of the wheels were not."""
    built = subprocess.run(
        [bin_dir / "pg_config", "--configure"], check=True, capture_output=True, text=True
    )
    return "openssl" in built.stdout


def all_servers() -> list[Path]:
    return [*servers().values(), *Path("/usr/lib/postgresql").glob("*/bin")]


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PgServer, Path]]:
    """Run a server with a certificate for 0.0.0.0, and give the authority's certificate.

    0.0.0.0 is no loopback address to a client, yet the system takes it to this machine.
    """
    with_tls = next((path for path in all_servers() if speaks_tls(path)), None)
    if with_tls is None or shutil.which("openssl") is None:
        pytest.skip("no server that speaks TLS, or no openssl")
    made = tmp_path_factory.mktemp("tls")
    authority, key, request, signed = (
        str(made / name) for name in ("ca.crt", "ca.key", "s.csr", "server.crt")
    )
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=CA",
            "-keyout", key, "-out", authority)  # fmt: skip
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=0.0.0.0",
            "-keyout", str(made / "server.key"), "-out", request)  # fmt: skip
    (made / "names").write_text("subjectAltName=IP:0.0.0.0\n")
    openssl("x509", "-req", "-in", request, "-CA", authority, "-CAkey", key, "-CAcreateserial",
            "-days", "2", "-extfile", str(made / "names"), "-out", signed)  # fmt: skip
    with ExitStack() as stack:
        server = PgServer(with_tls, port=free_port())
        stack.callback(server.remove)
        server.start()
        server.stop()
        owner = (server.data / "PG_VERSION").stat()
        for name in ("server.crt", "server.key"):
            shutil.copy(made / name, server.data / name)
            shutil.chown(server.data / name, owner.st_uid, owner.st_gid)
            (server.data / name).chmod(0o600)
        server._settings |= {"ssl": "on"}
        server.start()
        yield server, Path(authority)


def test_over_the_network_only_a_verified_server_will_do(
    tls_server: tuple[PgServer, Path], plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, authority = tls_server
    local = server.create_database("tls")
    with psycopg.connect(local, autocommit=True) as conn:
        conn.execute(sql_text("legacy/tinkubot.sql"))
    plain = Settings(target_url=local, backup_dir=tmp_path / "backups")
    assert of(look(plain, plan), "tls") == [("pass", "not needed: the server is on this machine")]

    remote = local.replace("127.0.0.1", "0.0.0.0")  # noqa: S104  # as a client's target
    for mode, ca in (("disable", ""), ("require", ""), ("verify-ca", str(authority))):
        url = make_conninfo(remote, sslmode=mode, **({"sslrootcert": ca} if ca else {}))
        exposed = replace(plain, target_url=url)
        ((status, detail),) = of(look(exposed, plan), "tls")
        assert status == "fail"
        assert detail.startswith(f"0.0.0.0 is reached over the network with sslmode={mode}: ")
    answer = traspaso(exposed, "run", "tinkubot", "--phase", "0", "--ignore-window")
    assert answer.code == 1
    assert "is reached over the network" in answer.json["error"]["message"]
    assert "verify-full" in answer.json["error"]["fix"]
    because = replace(plan, without_tls_because="a private line, see the contract")
    assert of(look(exposed, because), "tls") == [
        ("pass", "not verified: a private line, see the contract")
    ]

    verified = make_conninfo(remote, sslmode="verify-full", sslrootcert=str(authority))
    found = look(replace(plain, target_url=verified), plan)
    assert of(found, "tls") == [("pass", "sslmode=verify-full")]
    # The environment counts as libpq counts it.
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGSSLROOTCERT", str(authority))
    assert of(look(replace(plain, target_url=remote), plan), "tls")[0][0] == "pass"
    monkeypatch.setenv("PGSSLMODE", "require")
    assert of(look(replace(plain, target_url=remote), plan), "tls")[0][0] == "fail"
    # A server that is not on this machine as far as anybody knows: its disk is not seen.
    ((status, detail),) = of(look(replace(plain, target_url=remote), plan), "server disk")
    assert status == "warn"
    assert detail.startswith("the server's disk cannot be seen from here; it needs ")


# --- poolers ------------------------------------------------------------------------------------


@pytest.fixture
def pgbouncer(pg: PgServer, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Run PgBouncer before the server, and give a URL for each of its modes."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    name = "bouncer"
    pg.create_database(name)
    port = free_port()
    folder = Path(shutil.copytree(tmp_path, pg.directory / f"bouncer{port}"))
    folder.chmod(0o777)
    lines = [
        "[databases]",
        *(
            f"{mode} = host={pg.directory} dbname={name} pool_mode={mode} pool_size={size}"
            for mode, size in (("transaction", 5), ("session", 5), ("statement", 2))
        ),
        f"single = host={pg.directory} dbname={name} pool_mode=session pool_size=1",
        "[pgbouncer]", f"listen_port = {port}", "listen_addr = 127.0.0.1", "auth_type = any",
        "unix_socket_dir =", f"logfile = {folder}/log", "ignore_startup_parameters = options",
    ]  # fmt: skip
    lines = [line.replace("dbname=", "user=postgres dbname=") for line in lines]
    (folder / "bouncer.ini").write_text("\n".join(lines))
    user = ["-u", "nobody"] if pg._user is not None else []
    process = subprocess.Popen([program, "-q", *user, str(folder / "bouncer.ini")])
    try:
        modes = ("transaction", "session", "statement", "single")
        urls = {mode: f"postgresql://postgres@127.0.0.1:{port}/{mode}" for mode in modes}
        deadline = time.monotonic() + 10
        while True:
            try:
                psycopg.connect(urls["session"]).close()
                break
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield urls
    finally:
        process.terminate()
        process.wait(10)
        pg.drop_database(name)


def test_a_pooler_in_transaction_mode_is_found_on_any_port(
    pgbouncer: dict[str, str], settings: Settings, plan: Plan
) -> None:
    found = {}
    for mode, url in pgbouncer.items():
        with psycopg.connect(url, autocommit=True) as conn:
            began = time.monotonic()
            found[mode] = shares_sessions(conn, url)
            assert time.monotonic() - began < 5
    assert found == {"transaction": True, "session": False, "statement": True, "single": False}
    ((status, detail),) = of(look(replace(settings, target_url=pgbouncer["transaction"]), plan),
                             "connection")  # fmt: skip
    assert status == "fail"
    assert "a pooler in transaction mode" in detail
    assert of(look(replace(settings, target_url=pgbouncer["session"]), plan), "connection") == [
        ("pass", "no pooler in transaction mode")
    ]


# --- disks --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("legacy")
def test_free_space_is_held_against_twice_the_database(
    settings: Settings, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [status for status, _ in of(look(settings, plan), "backup disk")] == ["pass"]
    ((status, detail),) = of(look(settings, plan), "server disk")
    assert (status, " free; twice the database are " in detail) == ("pass", True)
    with connect(settings.require_target(), autocommit=True) as conn:
        row = conn.execute("select pg_database_size(current_database())").fetchone()
    assert row is not None
    database = row[0]
    for free, backup, server in (
        (1, "fail", "fail"),
        (database - 1_000_000, "warn", "fail"),
        (2 * database - 1_000_000, "warn", "warn"),
        (3 * database, "pass", "pass"),
    ):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: Usage(free, 0, free))
        found = look(settings, plan)
        assert of(found, "backup disk")[0][0] == backup
        assert of(found, "server disk")[0][0] == server


def test_sizes_do_not_wait_for_a_lock(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    with legacy.transaction():
        legacy.execute("lock table users in access exclusive mode")
        began = time.monotonic()
        found = look(settings, plan)
        assert time.monotonic() - began < 2
    assert [check for check in found if check.status == "fail"] == []


def test_a_server_that_is_not_here_is_not_measured(
    settings: Settings, plan: Plan, legacy: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The port of a container or of a tunnel: the process is none of this machine's.
    monkeypatch.setattr(space, "_is_server", lambda _: False)
    assert of(look(settings, plan), "server disk")[0][0] == "warn"
    monkeypatch.undo()
    # Who may not know where the data are cannot measure them.
    legacy.execute("create role sin_permisos login")
    try:
        url = make_conninfo(settings.require_target(), user="sin_permisos")
        assert of(look(replace(settings, target_url=url), plan), "server disk")[0][0] == "warn"
    finally:
        legacy.execute("drop role sin_permisos")


# --- time zone, extensions, keys ----------------------------------------------------------------


def test_columns_without_a_zone_that_are_not_written_in_utc_are_warned_of(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    ((status, detail),) = of(look(settings, plan), "time zone")
    assert status == "warn"
    assert detail.startswith(
        "sessions start in America/Guayaquil, and service_requests.requested_at, "
    )
    database = sql.Identifier(legacy.info.dbname)
    legacy.execute(sql.SQL("alter database {} set timezone to 'UTC'").format(database))
    assert of(look(settings, plan), "time zone") == [("pass", "sessions start in UTC")]


def test_an_extension_that_cannot_be_created_again_is_warned_of(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    row = legacy.execute("select max(name) from pg_available_extensions where name = 'hstore'")
    if row.fetchone() != ("hstore",):
        pytest.skip("no extension to try")
    legacy.execute("create extension hstore")
    assert of(look(settings, plan), "extensions") == [("pass", "hstore, plpgsql")]
    legacy.execute("update pg_extension set extname = 'desaparecida' where extname = 'hstore'")
    ((status, detail),) = of(look(settings, plan), "extensions")
    assert status == "warn"
    assert "desaparecida 1." in detail


def test_plpgsql_is_needed(settings: Settings, plan: Plan, conn: psycopg.Connection) -> None:
    conn.execute("drop extension plpgsql cascade")
    assert of(look(settings, plan), "extensions") == [("fail", "the extension plpgsql is missing")]


def test_a_key_that_is_not_the_models_is_told(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    legacy.execute("alter table messages drop constraint messages_pkey")
    legacy.execute("alter table messages add column empresa integer, add primary key (id, empresa)")
    legacy.execute("alter table sessions add primary key (session_id)")
    assert of(look(settings, plan), "primary keys") == [
        ("warn", "without a primary key: provider_professions"),
        (
            "fail",
            (
                "the primary key of public.messages is empresa, id; the models tell its rows "
                "apart by id"
            ),
        ),
        (
            "warn",
            (
                "the primary key of public.sessions is session_id; the models tell its rows apart "
                "by id"
            ),
        ),
    ]


# --- who else is there --------------------------------------------------------------------------


def test_publications_rules_event_triggers_and_large_objects_are_told(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    for statement in (
        'create publication "Alguna" for table users, sessions',
        "create table otra (id integer)",
        "create publication ajena for table otra",
        "create publication todas for all tables",
        "create rule no_borrar as on delete to users do instead nothing",
        "create function avisa() returns event_trigger language plpgsql as 'begin end'",
        "create event trigger avisa on ddl_command_end execute function avisa()",
        "create event trigger dormida on sql_drop execute function avisa()",
        "alter event trigger dormida disable",
        "select lo_create(0), lo_create(0)",
    ):
        legacy.execute(statement.encode())
    try:
        found = look(settings, plan)
    finally:
        legacy.execute("drop event trigger avisa; drop event trigger dormida")
        legacy.execute("select lo_unlink(oid) from pg_largeobject_metadata")
    assert {status for check in ("triggers", "event triggers", "large objects")
            for status, _ in of(found, check)} == {"warn"}  # fmt: skip
    publications = [detail for _, detail in of(found, "publications")]
    assert publications[0].startswith("the publication Alguna has sessions, users: ")
    assert publications[1].startswith("the publication Alguna cannot tell the rows of sessions ")
    assert publications[2].startswith("the publication todas is of all tables")
    assert "will be published too" not in publications[2]
    assert "provider_professions, sessions apart" in publications[3]
    assert len(publications) == 4
    fixes = [check.fix for check in found if check.name == "publications"]
    assert 'alter publication "Alguna" add table' in fixes[0]
    assert "users.no_borrar" in of(found, "triggers")[0][1]
    assert of(found, "event triggers")[0][1].endswith("avisa (ddl_command_end)")
    assert of(found, "large objects")[0][1].startswith("2 large objects")


def test_a_slot_that_nobody_reads_and_a_replica_that_lags_are_told(
    settings: Settings, plan: Plan, legacy: psycopg.Connection, pg: PgServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    assert of(look(settings, plan), "replication") == [("pass", "no replica")]
    legacy.execute("select pg_create_physical_replication_slot('olvidada', true)")
    reader = subprocess.Popen(
        [pg.bin_dir / "pg_receivewal", "-D", settings.backup_dir.parent, "-h", pg.directory,
         "-U", "postgres"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        monkeypatch.setattr(others, "REPLICATION_BYTES", -1)
        deadline = time.monotonic() + 10
        while len(found := of(look(settings, plan), "replication")) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        details = [detail for _, detail in found]
        assert details[0].startswith("the replica pg_receivewal (local) is ")
        assert details[1].startswith("nobody reads the replication slot olvidada, which keeps ")
    finally:
        reader.kill()
        reader.wait()
        legacy.execute("select pg_drop_replication_slot('olvidada')")


# --- odd databases ------------------------------------------------------------------------------


def test_a_publication_of_all_updates_is_refused_since_the_snapshots_cannot_bear_it(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    legacy.execute("create publication todas for all tables")
    assert of(look(settings, plan), "publications")[0][0] == "fail"
    assert traspaso(settings, "run", "tinkubot", "--phase", "0", "--ignore-window").code == 1
    legacy.execute("alter publication todas set (publish = 'insert')")
    assert of(look(settings, plan), "publications")[0][0] == "warn"


def test_names_with_quotes_and_percent_signs_are_no_trouble(
    settings: Settings, plan: Plan, conn: psycopg.Connection
) -> None:
    odd = """100% 'O"Brien'; {x}"""
    conn.execute(sql.SQL("create schema {}").format(sql.Identifier(odd)))
    conn.execute(sql.SQL("set search_path to {}").format(sql.Identifier(odd)))
    conn.execute(sql_text("legacy/tinkubot.sql"))
    for statement in (
        "create table {} (id integer)",
        "create rule {} as on delete to users do instead nothing",
        "create publication {} for table users",
        "alter table users add column {} text",
        "create role {} login",
    ):
        conn.execute(sql.SQL(statement).format(sql.Identifier(odd)))
    try:
        for user in (conn.info.user, odd):
            url = make_conninfo(settings.require_target(), user=user)
            found = look(replace(settings, target_url=url, legacy_schema=odd), plan)
            assert odd in of(found, "unknown columns")[0][1]
            assert not [check for check in found if "syntax" in check.detail]
        grants = [check.fix for check in found if check.name == "privileges"]
        assert any('to "100% \'O""Brien\'; {x}"' in fix for fix in grants)
    finally:
        conn.execute(sql.SQL("drop role {}").format(sql.Identifier(odd)))


def test_two_thousand_tables_are_looked_at_in_a_moment_and_told_in_few_lines(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    legacy.execute(
        "do $body$ begin for n in 1..2000 loop"
        " execute format('create table public.t_%s (id integer primary key, a text)', n);"
        " if n % 500 = 0 then commit; end if; end loop; end $body$"
    )
    legacy.execute("create publication todas for all tables")
    legacy.execute("create role muchas login")
    try:
        for user in (legacy.info.user, "muchas"):
            url = make_conninfo(settings.require_target(), user=user)
            began = time.monotonic()
            found = look(replace(settings, target_url=url), plan)
            assert time.monotonic() - began < 1
            assert len(found) < 60
            assert "and 1,995 more" in of(found, "other tables")[0][1].replace("1995", "1,995")
        crowded = [c for c in found if "2,0" in c.detail and c.name == "privileges"]
        assert len(crowded) == 1
        assert "grant select on all tables in schema public to muchas" in crowded[0].fix
    finally:
        legacy.execute("drop role muchas")


def test_an_empty_database_and_a_role_that_sees_nothing_are_told_all_the_same(
    settings: Settings, plan: Plan, conn: psycopg.Connection
) -> None:
    conn.execute("drop schema public")
    conn.execute("create role ciega login")
    try:
        url = make_conninfo(settings.require_target(), user="ciega")
        found = look(replace(settings, target_url=url), plan)
    finally:
        conn.execute("drop role ciega")
    assert of(found, "legacy schema")[0][0] == "fail"
    # What it may not see is no error.
    assert not [check for check in found if check.detail.startswith("the role lacks")]


def test_nothing_can_be_written_while_doctor_looks(
    settings: Settings, plan: Plan, legacy: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def writing(name: str) -> sql.SQL:
        if name == "preflight_prepared.sql":
            return sql.SQL("insert into public.users (name) values ('x') returning 1 as gid")
        return sql_text(name)

    monkeypatch.setattr("runner.preflight.look.sql_text", writing)
    with connect(settings.require_target(), autocommit=True) as conn:
        found = preflight.checks(settings, plan, conn)
        assert "read-only" in of(found, "prepared transactions")[0][1]
        # Afterwards the connection is what it was.
        conn.execute("insert into public.users (name) values ('y')")
        with conn.transaction():
            assert "read-only" in of(
                preflight.checks(settings, plan, conn), "prepared transactions"
            )[0][1]  # fmt: skip
            conn.execute("insert into public.users (name) values ('z')")
    with pytest.raises(StepFailed):
        preflight.require("tinkubot", found)
    assert legacy.execute("select count(*) from public.users").fetchone() == (2,)
