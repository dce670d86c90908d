import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from runner import backup, preflight, project, state
from runner.db import connect, sql_text
from runner.errors import ExitCode, StepFailed, Unreachable, UsageProblem
from runner.plan import Plan, load_plan
from runner.preflight import Check, others, server
from runner.preflight import look as looking
from runner.preflight.legacy import canonical_type
from runner.settings import PROJECT_DIR, Settings


@pytest.fixture
def plan() -> Plan:
    return load_plan("tinkubot")


@pytest.fixture
def legacy(conn: psycopg.Connection) -> psycopg.Connection:
    """Give a connection to a database with the legacy tables of TinkuBot, empty, written in UTC."""
    database = sql.Identifier(conn.info.dbname)
    conn.execute(sql.SQL("alter database {} set timezone to 'UTC'").format(database))
    conn.execute(sql_text("legacy/tinkubot.sql"))
    return conn


def look(settings: Settings, plan: Plan) -> tuple[Check, ...]:
    """Check as `doctor` does: on a connection that cannot write."""
    with connect(settings.require_target(), autocommit=True, read_only=True) as conn:
        return preflight.checks(settings, plan, conn)


def problems(found: tuple[Check, ...], status: str = "fail") -> list[tuple[str, str, str]]:
    return [(check.name, check.detail, check.fix) for check in found if check.status == status]


def the_problem(found: tuple[Check, ...], status: str = "fail") -> tuple[str, str, str]:
    (problem,) = problems(found, status)
    return problem


@contextmanager
def role(conn: psycopg.Connection, name: str, *grants: LiteralString) -> Iterator[None]:
    """Make a role with these rights, each a statement with {} for its name."""
    user = sql.Identifier(name)
    conn.execute(sql.SQL("create role {} login").format(user))
    try:
        for grant in grants:
            conn.execute(sql.SQL(grant).format(user))
        yield
    finally:
        conn.execute(sql.SQL("drop owned by {}").format(user))
        conn.execute(sql.SQL("drop role {}").format(user))


def as_role(settings: Settings, name: str) -> Settings:
    return replace(settings, target_url=make_conninfo(settings.require_target(), user=name))


# --- a database in order ------------------------------------------------------------------------


@pytest.mark.usefixtures("legacy")
def test_a_database_in_order_passes_and_is_not_touched(settings: Settings, plan: Plan) -> None:
    found = look(settings, plan)
    assert problems(found) == []
    # Two of TinkuBot's tables are documented without one.
    assert problems(found, "warn") == [
        (
            "primary keys",
            "without a primary key: provider_professions, sessions",
            "nothing to do: rows of the same key are numbered",
        )
    ]
    assert len({check.name for check in found}) == len(found)
    assert not settings.backup_dir.exists()
    said = {check.name: check.detail for check in found}
    assert "trg_customers_set_updated_at" in said["triggers"]
    assert said["legacy tables"] == "all 10 are there"
    assert "pg_dump" in said["client programs"]
    preflight.require("tinkubot", found)


def test_the_legacy_may_be_in_a_schema_of_its_own(
    settings: Settings, plan: Plan, conn: psycopg.Connection
) -> None:
    conn.execute('create schema "Legado Viejo"')
    conn.execute('set search_path to "Legado Viejo"')
    conn.execute(sql_text("legacy/tinkubot.sql"))
    settings = replace(settings, legacy_schema="Legado Viejo")
    assert problems(look(settings, plan)) == []
    conn.execute("drop table consents")
    assert the_problem(look(settings, plan))[1] == "the table Legado Viejo.consents is missing"


# --- the server ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("legacy")
@pytest.mark.parametrize(
    ("tried", "status"), [((99, 99), "fail"), ((1, 2), "warn"), ((1, 99), "pass")]
)
def test_only_versions_that_were_tried_are_fine(
    settings: Settings, plan: Plan, monkeypatch: pytest.MonkeyPatch,
    tried: tuple[int, int], status: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(server, "OLDEST_MAJOR", tried[0])
    monkeypatch.setattr(server, "NEWEST_MAJOR", tried[1])
    assert {check.status for check in look(settings, plan) if check.name == "server"} == {status}


def test_another_encoding_fails(settings: Settings, plan: Plan, conn: psycopg.Connection) -> None:
    name = f"{conn.info.dbname}_latin"
    conn.execute(
        sql.SQL(
            "create database {} encoding 'LATIN1' locale_provider libc locale 'C'"
            " template template0"
            if conn.info.server_version >= 150_000
            else "create database {} encoding 'LATIN1' locale 'C' template template0"
        ).format(sql.Identifier(name))
    )
    url = make_conninfo(settings.require_target(), dbname=name)
    try:
        with psycopg.connect(url, autocommit=True) as latin:
            latin.execute(sql_text("legacy/tinkubot.sql"))
        problem = the_problem(look(replace(settings, target_url=url), plan))
        assert problem[:2] == ("encoding", "the database is encoded in LATIN1, not in UTF8")
    finally:
        conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.mark.usefixtures("legacy")
def test_a_transaction_pooler_fails(settings: Settings, plan: Plan) -> None:
    with connect(settings.require_target(), autocommit=True, read_only=True) as conn:
        pooled = replace(settings, target_url="postgresql://ana:clave@pooler.example:6543/db")
        name, detail, fix = the_problem(preflight.checks(pooled, plan, conn))
    assert name == "connection"
    assert "6543" in detail
    assert "5432" in fix


# --- the legacy ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("legacy")
def test_a_schema_that_does_not_exist_is_said_once(settings: Settings, plan: Plan) -> None:
    problem = the_problem(look(replace(settings, legacy_schema="nada"), plan))
    assert problem[0] == "legacy schema"
    assert problem[1].startswith("the schema nada does not exist in the database prueba_")
    assert "TRASPASO_LEGACY_SCHEMA" in problem[2]
    problem = the_problem(look(replace(settings, target_schema="nada"), plan))
    assert problem[0] == "target schema"
    assert "TRASPASO_TARGET_SCHEMA" in problem[2]
    neither = replace(settings, legacy_schema="nada", target_schema="nada")
    assert the_problem(look(neither, plan))[0] == "legacy schema"


def test_every_problem_of_the_legacy_is_named_at_once(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    for statement in (
        "drop table consents",
        "drop table task_queue",
        "alter table users drop column country",
        "alter table messages add column tone text",
        "alter table customers alter column created_at type timestamp",
        "alter table service_requests alter column phone type text",
        "alter table users alter column city type varchar(80)",
        "alter table users alter column latitude type numeric(10,8)",
        "create table profession_synonyms (id integer)",
        "create view a_view as select 1 as one",
        "create unique index on sessions (id)",
    ):
        legacy.execute(statement)
    found = look(settings, plan)
    assert [(name, detail) for name, detail, _ in problems(found)] == [
        ("legacy tables", "the table public.task_queue is missing"),
        ("legacy tables", "the table public.consents is missing"),
        ("missing columns", "the column public.users.country is missing"),
        (
            "unknown columns",
            "no model reads the column public.messages.tone (text): its values would be lost",
        ),
        (
            "column types",
            (
                "the column public.customers.created_at is timestamp without time zone, "
                "expected timestamp with time zone"
            ),
        ),
    ]
    fixes = {name: fix for name, _, fix in problems(found)}
    assert "stg_tinkubot__messages.sql" in fixes["unknown columns"]
    assert "models/staging/tinkubot/tinkubot__sources.yml" in fixes["unknown columns"]
    assert [(name, detail) for name, detail, _ in problems(found, "warn")] == [
        ("column types", "the column public.users.city is character varying(80), expected text"),
        ("column types", "the column public.users.latitude is numeric(10,8), expected numeric"),
        (
            "column types",
            "the column public.service_requests.phone is text, expected character varying(20)",
        ),
        ("other tables", "in no plan: public.profession_synonyms"),
        ("primary keys", "without a primary key: provider_professions, sessions"),
    ]


def test_a_view_in_the_place_of_a_table_fails(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    legacy.execute("alter table sessions rename to sessions_2024")
    legacy.execute("create view sessions as select * from sessions_2024")
    name, detail, _ = the_problem(look(settings, plan))
    assert name == "legacy tables"
    assert detail.startswith("public.sessions is a view or a foreign table")


def test_a_partitioned_table_is_a_table_and_its_partitions_are_no_other_tables(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    legacy.execute("alter table sessions rename to sessions_2024")
    legacy.execute("create table sessions (like sessions_2024) partition by range (created_at)")
    legacy.execute("drop table sessions_2024")
    legacy.execute("create table sessions_rest partition of sessions default")
    found = look(settings, plan)
    assert problems(found) == []
    assert "other tables" not in {name for name, _, _ in problems(found, "warn")}


@pytest.mark.usefixtures("legacy")
def test_a_legacy_elsewhere_is_not_this_system(settings: Settings, plan: Plan) -> None:
    found = look(replace(settings, legacy_url=settings.target_url), plan)
    assert "TRASPASO_LEGACY_URL" in the_problem(found)[2]


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("varchar(20)", "character varying(20)"),
        ("VARCHAR (20)", "character varying(20)"),
        ("character varying(20)", "character varying(20)"),
        ("varchar", "character varying"),
        ("varchar(3)[]", "character varying(3)[]"),
        ("text", "text"),
        ("char(2)", "character(2)"),
        ("timestamp", "timestamp without time zone"),
        ("timestamp(3)", "timestamp(3) without time zone"),
        ("timestamp(3) with time zone", "timestamp(3) with time zone"),
        ("timestamptz", "timestamp with time zone"),
        ("timestamptz(0)", "timestamp(0) with time zone"),
        ("timestamp without time zone", "timestamp without time zone"),
        ("time", "time without time zone"),
        ("numeric", "numeric"),
        ("decimal(10, 2)", "numeric(10,2)"),
        ("serial", "integer"),
        ("int", "integer"),
        ("int8", "bigint"),
        ("bool", "boolean"),
        ("float8", "double precision"),
        ("double precision", "double precision"),
        ("uuid", "uuid"),
        ("jsonb", "jsonb"),
        ("text[]", "text[]"),
    ],
)
def test_types_are_spelled_as_the_server_does(written: str, spelled: str) -> None:
    assert canonical_type(written) == spelled


def test_the_server_agrees_with_the_spelling_of_every_type_in_the_models(
    conn: psycopg.Connection,
) -> None:
    sources = project.sources(PROJECT_DIR, "tinkubot")
    marts = project.marts(PROJECT_DIR, "tinkubot")
    columns = {column.data_type for table in sources for column in table.columns}
    columns |= {column.data_type for mart in marts for column in mart.columns}
    types = sorted({*columns, "timestamptz(3)", "varchar(3)[]", "decimal(5, 2)", "time", "char(2)"})
    for data_type in types:
        conn.execute("drop table if exists t")
        # The types are ours, and no place for a parameter.
        conn.execute(f"create table t (c {data_type})".encode())
        row = conn.execute(
            "select format_type(atttypid, atttypmod) from pg_attribute"
            " where attrelid = 't'::regclass and attname = 'c'"
        ).fetchone()
        assert row == (canonical_type(data_type),)


# --- what is there already ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("create table clientes (id integer)", "public.clientes is taken by a table"),
        ("create view mensajes as select 1 as n", "public.mensajes is taken by a view"),
        ("create sequence sesiones", "public.sesiones is taken by a sequence"),
        ("create type profesiones as (n integer)", "public.profesiones is taken by a type"),
        (
            "create index idx_clientes_ciudad on customers (city)",
            "public.idx_clientes_ciudad is taken by an index",
        ),
    ],
)
def test_a_name_that_is_taken_fails(
    settings: Settings, plan: Plan, legacy: psycopg.Connection, statement: LiteralString, what: str
) -> None:
    legacy.execute(statement)
    name, detail, fix = the_problem(look(settings, plan))
    assert (name, detail) == ("names", f"the name {what} that traspaso did not make")
    assert "TRASPASO_TARGET_SCHEMA" in fix
    # A Spanish table is not also one of the others.
    assert {check.name for check in look(settings, plan) if check.status == "warn"} == {
        "primary keys"
    }


def test_what_phase_1_made_is_not_taken(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    state.install(legacy)
    run_id = state.start_run(legacy, "tinkubot", "run")
    for schema in ("staging_tinkubot", "compat_tinkubot"):
        legacy.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
    legacy.execute("create table clientes (id integer, ciudad text)")
    legacy.execute("create index idx_clientes_ciudad on clientes (ciudad)")
    legacy.execute("create table mensajes (id integer)")
    assert {name for name, _, _ in problems(look(settings, plan))} == {"names", "reserved schemas"}

    state.record_step(legacy, "otro", 1, "clientes", run_id=run_id, status="done")
    state.record_step(legacy, "tinkubot", 0, "phase", run_id=run_id, status="done")
    assert len(problems(look(settings, plan))) == 4

    state.record_step(legacy, "tinkubot", 1, "phase", run_id=run_id, status="running")
    state.record_step(legacy, "tinkubot", 1, "clientes", run_id=run_id, status="done")
    state.record_step(legacy, "tinkubot", 1, "mensajes", run_id=run_id, status="failed")
    state.record_step(legacy, "tinkubot", 3, "mensajes", run_id=run_id, status="done")
    detail = the_problem(look(settings, plan))[1]
    assert detail.startswith("the name public.mensajes is taken by a table")


@pytest.mark.usefixtures("legacy")
@pytest.mark.parametrize("schema", ["staging_tinkubot", "compat_tinkubot"])
def test_a_schema_of_ours_that_nobody_began_fails(
    settings: Settings, plan: Plan, conn: psycopg.Connection, schema: str
) -> None:
    conn.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
    name, detail, _ = the_problem(look(settings, plan))
    assert (name, detail) == (
        "reserved schemas",
        f"the schema {schema} is there, but TinkuBot was never begun here",
    )


# --- privileges ---------------------------------------------------------------------------------


def test_a_role_that_sees_little_is_told_every_grant(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    legacy.execute("revoke all on schema public from public")
    legacy.execute(
        sql.SQL("revoke temporary on database {} from public").format(
            sql.Identifier(legacy.info.dbname)
        )
    )
    legacy.execute("create table otra (id integer)")
    with role(legacy, "poco", "grant select on users, customers, messages to {}"):
        found = look(as_role(settings, "poco"), plan)
    assert {name for name, _, _ in problems(found)} == {"privileges"}
    fixes = [fix for _, _, fix in problems(found)]
    database = legacy.info.dbname
    assert fixes == [
        f"grant create on database {database} to poco",
        f"grant temporary on database {database} to poco",
        "alter role poco createdb",
        "grant usage on schema public to poco",
        "grant create on schema public to poco",
        "grant select on public.consents to poco",
        "grant select on public.professions to poco",
        "grant select on public.provider_professions to poco",
        "grant select on public.provider_services to poco",
        "grant select on public.service_requests to poco",
        "grant select on public.sessions to poco",
        "grant select on public.task_queue to poco",
        "grant select on public.otra to poco",
        "grant select on sequence public.professions_id_seq to poco",
    ]
    assert problems(found)[5][1] == "poco lacks SELECT on public.consents"
    assert problems(found)[-2][1] == "poco lacks SELECT on public.otra, which a backup reads too"


def test_the_grants_that_are_named_are_enough(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    legacy.execute("revoke all on schema public from public")
    with role(legacy, "Ana María"):
        restricted = as_role(settings, "Ana María")
        for _, _, fix in problems(look(restricted, plan)):
            # As an operator would: what the fix says is typed.
            legacy.execute(fix.encode())
        assert problems(look(restricted, plan)) == []
        # They are what the work needs: its schemas, its tables, a dump.
        with connect(restricted.require_target(), autocommit=True) as conn:
            state.install(conn)
            conn.execute("create schema staging_tinkubot")
            conn.execute("create table public.clientes as select * from public.customers")
            conn.execute("create temporary table candidates as select * from public.users")
        made = backup.create(restricted, plan, 0)
        assert backup.verify(restricted, plan, made.id).verified_at


def test_what_another_role_began_may_be_continued_by_its_member_only(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    state.install(legacy)
    run_id = state.start_run(legacy, "tinkubot", "run")
    state.record_step(legacy, "tinkubot", 1, "clientes", run_id=run_id, status="done")
    legacy.execute("create table clientes (id integer)")
    legacy.execute("create schema staging_tinkubot")
    legacy.execute("create view staging_tinkubot.stg as select 1 as n")
    with role(
        legacy,
        "otra",
        "alter role {} createdb",
        "grant select on all tables in schema public to {}",
        "grant select on all sequences in schema public to {}",
        "grant create on schema public to {}",
    ):
        restricted = as_role(settings, "otra")
        legacy.execute(
            sql.SQL("grant create on database {} to otra").format(
                sql.Identifier(legacy.info.dbname)
            )
        )
        found = problems(look(restricted, plan))
        # It may not even see what was done: nothing is said of it but that.
        assert {name for name, _, _ in found} == {"privileges", "names", "reserved schemas"}
        assert all("unknown" in detail for name, detail, _ in found if name != "privileges")
        writing = "grant select, insert, update, delete, truncate on traspaso"
        owner = legacy.info.user
        assert [fix for name, _, fix in found if name == "privileges"] == [
            "grant usage on schema staging_tinkubot to otra",
            "grant usage on schema traspaso to otra",
            "grant create on schema staging_tinkubot to otra",
            "grant create on schema traspaso to otra",
            f"{writing}.backups to otra",
            f"{writing}.rehearsals to otra",
            f"{writing}.runs to otra",
            f"{writing}.steps to otra",
            f"grant {owner} to otra",
        ]
        legacy.execute("grant usage, create on schema traspaso, staging_tinkubot to otra")
        legacy.execute("grant all on all tables in schema traspaso to otra")
        assert problems(look(restricted, plan)) == [
            ("privileges", f"otra lacks ownership of {name}", f"grant {owner} to otra")
            for name in ("public.clientes", "staging_tinkubot.stg")
        ]
        legacy.execute("revoke update on traspaso.steps from otra")
        assert problems(look(restricted, plan))[0][1:] == (
            "otra lacks SELECT, INSERT, UPDATE, DELETE and TRUNCATE on traspaso.steps",
            "grant select, insert, update, delete, truncate on traspaso.steps to otra",
        )
        legacy.execute("grant postgres to otra")
        assert problems(look(restricted, plan)) == []


def test_rows_that_row_level_security_hides_fail(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    legacy.execute("alter table messages enable row level security")
    with role(
        legacy,
        "vigilada",
        "grant select on all tables in schema public to {}",
    ):
        found = problems(look(as_role(settings, "vigilada"), plan))
        assert [fix for name, _, fix in found if name == "row security"] == [
            "connect as the owner, or: alter role vigilada bypassrls"
        ]
        legacy.execute("alter role vigilada bypassrls")
        found = problems(look(as_role(settings, "vigilada"), plan))
        assert "row security" not in {name for name, _, _ in found}


# --- backups, and who else is there -------------------------------------------------------------


@pytest.mark.usefixtures("legacy")
def test_a_backup_folder_that_cannot_be_made_fails(
    settings: Settings, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    below = replace(settings, backup_dir=tmp_path / "file" / "backups")
    assert the_problem(look(below, plan))[:2] == ("backup folder", f"{tmp_path}/file is no folder")
    # Root may write anywhere: what the system answers to others is played.
    monkeypatch.setattr("os.access", lambda *_: False)
    assert (
        the_problem(look(settings, plan))[1] == f"nothing can be written to {settings.backup_dir}"
    )


@pytest.mark.usefixtures("legacy")
def test_no_client_programs_fail(
    settings: Settings, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.pgclient._folders", list)
    name, detail, fix = the_problem(look(settings, plan))
    assert name == "client programs"
    assert "no pg_dump" in detail
    assert "postgresql-client" in fix


def test_an_old_transaction_and_a_prepared_one_are_warned_of(
    settings: Settings, plan: Plan, database: str, legacy: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with psycopg.connect(database, application_name="informe") as other:
        other.execute("select 1")
        assert "transactions" not in {name for name, _, _ in problems(look(settings, plan), "warn")}
        monkeypatch.setattr(others, "LONG_TRANSACTION", timedelta(0))
        found = [p for p in problems(look(settings, plan), "warn") if p[0] == "transactions"]
        pid = other.info.backend_pid
        assert [fix for _, _, fix in found] == [
            f"end it where it runs, or: select pg_terminate_backend({pid})"
        ]
        assert "(postgres, informe)" in found[0][1]
    prepared = legacy.execute("show max_prepared_transactions").fetchone()
    if prepared == ("0",):
        return
    with psycopg.connect(database) as other:
        other.execute("select 1")
        other.execute("prepare transaction 'olvidada'")
    try:
        found = [p for p in problems(look(settings, plan), "warn") if "prepared" in p[0]]
        assert "rollback prepared 'olvidada'" in found[0][2]
    finally:
        legacy.execute("rollback prepared 'olvidada'")


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("legacy")
def test_an_error_of_the_database_is_one_failed_check(
    settings: Settings, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str) -> sql.SQL:
        return sql.SQL("select 1/0") if name == "preflight_prepared.sql" else sql_text(name)

    monkeypatch.setattr(looking, "sql_text", broken)
    found = look(settings, plan)
    assert the_problem(found)[:2] == ("prepared transactions", "division by zero")
    assert {check.status for check in found if check.name == "transactions"} == {"pass"}
    # Within a transaction of the caller's too.
    with connect(settings.require_target(), read_only=True) as conn:
        assert preflight.checks(settings, plan, conn) == found
        assert conn.execute("select 1").fetchone() == (1,)


def test_a_server_that_goes_away_meanwhile_is_unreachable(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    with connect(settings.require_target(), autocommit=True) as conn:
        legacy.execute("select pg_terminate_backend(%s, 5000)", [conn.info.backend_pid])
        with pytest.raises(Unreachable) as caught:
            preflight.checks(settings, plan, conn)
    assert caught.value.exit_code is ExitCode.UNREACHABLE


@pytest.mark.usefixtures("legacy")
def test_a_project_that_is_not_there_is_a_usage_problem(
    settings: Settings, plan: Plan, tmp_path: Path
) -> None:
    with pytest.raises(UsageProblem, match=re.escape(str(tmp_path))):
        look(replace(settings, project_dir=tmp_path), plan)


def test_require_names_the_first_failure_and_counts_the_others() -> None:
    passed = Check("server", "pass", "fine")
    warned = Check("names", "warn", "hm", "do")
    first, second = Check("a", "fail", "one", "do this"), Check("b", "fail", "two", "do that")
    preflight.require("tinkubot", [passed, warned])
    with pytest.raises(StepFailed) as caught:
        preflight.require("tinkubot", [passed, warned, first])
    assert caught.value.message == "preflight: one"
    assert caught.value.fix == "do this; all problems at once: traspaso doctor tinkubot"
    assert caught.value.exit_code is ExitCode.FAILED
    for count, more in ((1, "(and 1 more problem)"), (2, "(and 2 more problems)")):
        with pytest.raises(StepFailed) as caught:
            preflight.require("tinkubot", [first, *[second] * count])
        assert caught.value.message == f"preflight: one {more}"
    assert first.to_json() == {"name": "a", "status": "fail", "detail": "one", "fix": "do this"}
