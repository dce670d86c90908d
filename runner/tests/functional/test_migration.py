"""The contract of a migration, through the command line: forward, again, back, killed, refused."""

import contextlib
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql

from runner import cli, state
from runner.db import connect, table_checksum
from runner.plan import load_plan
from runner.sample import create_legacy
from runner.server import PgServer
from runner.settings import PROJECT_DIR, Settings
from runner.tests.functional.helpers.tinkubot_cases import (
    RUN,
    TABLES,
    TARGETS,
    Answer,
    create_empty_legacy,
    insert,
    new_database,
    start_traspaso,
    traspaso,
    uid,
)

EARLY = "2025-01-01 00:00:00+00"
SECRET = "s3creto-de-prueba"
CREATE = ("run", "tinkubot", "--through", "1", "--yes", "--ignore-window")
PHASES = ("prepare", "create", "masters", "transactions")

Rows = list[tuple[Any, ...]]


# --- a state, as the runner does not see it -----------------------------------------------------


@dataclass(frozen=True)
class Photo:
    """A database: its DDL as pg_dump writes it, its rows, the evidence, where rows are stored."""

    ddl: str
    legacy: dict[str, str]
    target: dict[str, str]
    stored: Rows
    fates: Rows
    repairs: Rows
    proof: dict[str, Any]


def photograph(pg: PgServer, settings: Settings) -> Photo:
    with connect(settings.require_target(), autocommit=True) as conn:
        present = {
            row[0]
            for row in conn.execute("select tablename from pg_tables where schemaname = 'public'")
        }
        targets = [table for table in TARGETS if table in present]
        return Photo(
            ddl=ddl(pg, settings),
            legacy=sums(conn, list(TABLES)),
            target=sums(conn, targets),
            stored=[row for table in targets for row in stored(conn, table)],
            fates=evidence(conn, "row_fates"),
            repairs=evidence(conn, "repairs"),
            proof=traspaso(settings, "validate", "tinkubot").json,
        )


def ddl(pg: PgServer, settings: Settings) -> str:
    """Return all but the schema traspaso; a newer pg_dump writes a random word around it."""
    dumped = subprocess.run(
        [pg.bin_dir / "pg_dump", "--schema-only", "--exclude-schema=traspaso",
         settings.require_target()],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return re.sub(r"(?m)^\\(un)?restrict .*\n", "", dumped.stdout)


def sums(conn: psycopg.Connection, tables: list[str]) -> dict[str, str]:
    found = {table: table_checksum(conn, "public", table) for table in tables}
    return {table: f"{each.rows}:{each.checksum}" for table, each in found.items()}


def stored(conn: psycopg.Connection, table: str) -> Rows:
    query = sql.SQL("select {}, ctid::text, xmin::text from {} order by ctid")
    return conn.execute(
        query.format(sql.Literal(table), sql.Identifier("public", table))
    ).fetchall()


def evidence(conn: psycopg.Connection, table: str) -> Rows:
    if not state.is_installed(conn):
        return []
    query = sql.SQL("select t.*::text from {} as t order by 1")
    return conn.execute(query.format(sql.Identifier("traspaso", table))).fetchall()


def without_run(rows: Rows) -> list[str]:
    """Return evidence without the run that found it and the time: two runs find the same."""
    return sorted(
        re.sub(r"[0-9a-f-]{36},\"[0-9-]{10} [0-9:.+]*\"(?=\)$)", "", str(row[0])) for row in rows
    )


# --- the phases, forward, again and back, one after the other -----------------------------------


# A user who will be put right, and two rows that wait for it: their reasons until then.
WRONG = {
    ("users", uid(1)): ["telefono:type"],
    ("provider_services", uid(2)): ["proveedor_id:foreign_key"],
    ("sessions", uid(3)): ["telefono:type"],
}


def create_dirty_legacy(conn: psycopg.Connection) -> None:
    """Create the same legacy each time."""
    create_legacy(conn)
    insert(conn, "users", [{
        "id": uid(1), "phone_number": "nada", "name": "Ana", "user_type": "provider",
        "created_at": EARLY, "updated_at": EARLY,
    }])  # fmt: skip
    insert(conn, "provider_services", [{
        "id": uid(2), "provider_id": uid(1), "title": "Pintar",
        "created_at": EARLY, "updated_at": EARLY,
    }])  # fmt: skip
    insert(conn, "sessions", [{
        "id": uid(3), "user_id": uid(1), "session_id": "wa-1",
        "created_at": EARLY, "last_activity": EARLY,
    }])  # fmt: skip


@dataclass(frozen=True)
class Story:
    """What was answered, and how the database looked, at each stage."""

    answers: dict[str, Answer]
    photos: dict[str, Photo]
    settings: Settings


@pytest.fixture(scope="module")
def story(pg: PgServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with new_database(pg, "migracion", tmp_path_factory.mktemp("respaldo")) as plain:
        url = plain.require_target()
        with psycopg.connect(url, autocommit=True) as conn:
            create_dirty_legacy(conn)
        settings = replace(plain, target_url=url.replace("postgres@", f"postgres:{SECRET}@"))
        told = Story({}, {}, settings)

        def tell(stage: str, *arguments: str) -> None:
            if arguments:
                told.answers[stage] = traspaso(settings, *arguments)
                assert told.answers[stage].code == 0, told.answers[stage].stdout
            told.photos[stage] = photograph(pg, settings)

        tell("found")
        tell("masters", "run", "tinkubot", "--through", "2", "--yes", "--ignore-window")
        tell("all", "run", "tinkubot", "--phase", "3", "--yes", "--ignore-window")
        tell("again", *RUN)
        tell("to 2", "rollback", "tinkubot", "--to", "2", "--yes")
        tell("to 0", "rollback", "tinkubot", "--to", "0", "--yes")
        tell("anew", *RUN)
        yield told


def test_a_run_answers_as_the_contract_says(story: Story) -> None:
    answer = story.answers["anew"].json
    assert answer["status"] == "succeeded"
    assert re.fullmatch(r"[0-9a-f-]{36}", answer["run_id"])
    phases = [(p["phase"], p["name"], p["status"]) for p in answer["phases"]]
    assert phases == [(n, name, "succeeded") for n, name in enumerate(PHASES)]
    assert all(phase["seconds"] >= 0 for phase in answer["phases"])


def test_every_row_is_accounted_for(story: Story) -> None:
    proof = story.photos["all"].proof
    assert proof["status"] == "pass"
    assert proof["orphans"] == 0
    assert {t["source_table"]: tuple(t["target_tables"]) for t in proof["tables"]} == TABLES
    for table in proof["tables"]:
        assert (table["residue"], table["mismatches"]) == (0, 0)
        rows = story.photos["all"].legacy[table["source_table"]].split(":")[0]
        placed = sum(table[fate] for fate in ("loaded", "merged", "quarantined", "excluded"))
        assert table["source_rows"] == placed == int(rows)
    assert sum(table["quarantined"] for table in proof["tables"]) > 0
    assert sum(table["merged"] for table in proof["tables"]) > 0


@pytest.mark.parametrize(
    "altered",
    [
        """row || '{"id": "otra"}'""",
        "row - (select max(name) from jsonb_object_keys(row) as name)",
        "'{}'",
    ],
    ids=["value", "column", "all"],
)
def test_a_row_that_the_evidence_keeps_otherwise_is_found(story: Story, altered: str) -> None:
    """The JSON of a quarantined row is all that is left of it when the legacy is gone."""
    url = story.settings.require_target()
    with psycopg.connect(url, autocommit=True) as conn:
        kept = conn.execute(
            "select ctid, source_table, source_key from traspaso.row_fates"
            " where fate = 'quarantined' order by source_table, source_key limit 1"
        ).fetchone()
        assert kept is not None
        conn.execute("create table kept as select * from traspaso.row_fates")
        try:
            alter = f"update traspaso.row_fates set row = {altered} where ctid = %s"  # noqa: S608
            conn.execute(alter.encode(), [kept[0]])
            proof = traspaso(story.settings, "validate", "tinkubot")
        finally:
            conn.execute("delete from traspaso.row_fates")
            conn.execute("insert into traspaso.row_fates select * from kept")
            conn.execute("drop table kept")
    assert proof.json["status"] == "fail"
    assert [
        (found["source_table"], found["source_key"], found["problem"])
        for found in proof.json["differences"]
    ] == [(kept[1], kept[2], "kept otherwise in row_fates")]
    assert sum(table["residue"] for table in proof.json["tables"]) == 1


def test_a_second_run_changes_nothing(story: Story) -> None:
    first, again = story.photos["all"], story.photos["again"]
    assert again == first
    assert again.proof["fingerprint"] == first.proof["fingerprint"]


def test_going_back_to_2_leaves_what_phase_2_left(story: Story) -> None:
    then, now = story.photos["masters"], story.photos["to 2"]
    assert now == then
    assert story.answers["to 2"].json["phase"] == 2


def test_going_back_to_0_leaves_the_database_as_it_was_found(story: Story) -> None:
    found, now = story.photos["found"], story.photos["to 0"]
    assert now.ddl == found.ddl
    assert now.target == {}
    assert (now.fates, now.repairs) == ([], [])


def test_the_legacy_is_untouched_by_all_of_it(story: Story) -> None:
    assert {str(photo.legacy) for photo in story.photos.values()} == {
        str(story.photos["found"].legacy)
    }


def test_a_run_after_the_way_back_gives_what_the_first_gave(story: Story) -> None:
    first, anew = story.photos["all"], story.photos["anew"]
    assert anew.ddl == first.ddl
    assert anew.target == first.target
    assert without_run(anew.fates) == without_run(first.fates)
    assert without_run(anew.repairs) == without_run(first.repairs)
    assert without_run(anew.fates) != [str(row[0]) for row in anew.fates]


def test_no_password_reaches_an_answer_a_log_or_a_table(story: Story) -> None:
    for answer in story.answers.values():
        assert SECRET not in answer.stdout + answer.stderr
    with connect(story.settings.require_target(), autocommit=True) as conn:
        for table in ("runs", "steps", "backups", "row_fates", "repairs"):
            assert SECRET not in str(evidence(conn, table))
    for file in story.settings.backup_dir.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes()


def test_status_says_where_it_stands(story: Story) -> None:
    status = traspaso(story.settings, "status", "tinkubot").json
    assert status == {"phase": 3, "state": "idle", "switched": False}


# --- the tables are what the contract says, as PostgreSQL itself reads it -----------------------


def contracts() -> dict[str, dict[str, Any]]:
    folder = PROJECT_DIR / "models" / "marts" / "tinkubot"
    files = [yaml.safe_load(path.read_text()) for path in folder.glob("*.yml")]
    return {model["config"]["alias"]: model for file in files for model in file.get("models", [])}


def column_ddl(column: dict[str, Any]) -> str:
    words = [column["name"], column["data_type"]]
    for constraint in column.get("constraints", []):
        match constraint["type"]:
            case "not_null":
                words.append("not null")
            case "primary_key":
                words.append("primary key")
            case "unique":
                words.append("unique")
            case "check":
                words.append(f"check ({constraint['expression']})")
            case "custom":
                words.append(constraint["expression"])
            case "foreign_key":
                parent = re.sub(r"ref\('tinkubot__(\w+)'\)", r"esperado.\1", constraint["to"])
                key = ", ".join(constraint["to_columns"])
                words.append(f"references {parent} ({key}) {constraint.get('expression', '')}")
    return " ".join(words)


def create_expected(conn: psycopg.Connection) -> None:
    """Write the contracts as plain DDL in a schema of its own; PostgreSQL names what they do not.

    Parents before children.
    """
    conn.execute("create schema esperado")
    models = contracts()
    for table in sorted(models, key=lambda name: "ref(" in str(models[name]["columns"])):
        model = models[table]
        lines = [column_ddl(column) for column in model["columns"]]
        lines += [f"unique ({', '.join(c['columns'])})" for c in model.get("constraints", [])]
        statements = [f"create table esperado.{table} ({', '.join(lines)})"]
        statements += [
            f"create index {index['name']} on esperado.{table} ({', '.join(index['columns'])})"
            for index in model["config"]["meta"]["indexes"]
        ]
        for statement in statements:
            conn.execute(statement.encode())
        comments = [("table", table, model["description"])]
        comments += [("column", f"{table}.{c['name']}", c["description"]) for c in model["columns"]]
        for kind, name, text in comments:
            conn.execute(
                sql.SQL("comment on {} {} is {}").format(
                    sql.SQL(kind), sql.Identifier("esperado", *name.split(".")), sql.Literal(text)
                )
            )  # fmt: skip


CATALOG = """
select c.relname, 'column ' || a.attnum || ' ' || a.attname, concat_ws(
    ' | ', format_type(a.atttypid, a.atttypmod), a.attnotnull,
    pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
)
from pg_attribute as a
join pg_class as c on c.oid = a.attrelid
left join pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
where c.relnamespace = %(schema)s::text::regnamespace and c.relname = any(%(tables)s)
and a.attnum > 0
union all
select c.relname, 'constraint ' || o.conname, pg_get_constraintdef(o.oid)
from pg_constraint as o join pg_class as c on c.oid = o.conrelid
where c.relnamespace = %(schema)s::text::regnamespace and c.relname = any(%(tables)s)
and o.contype <> 'n'
union all
select tablename, 'index ' || indexname, indexdef from pg_indexes
where schemaname = %(schema)s::text and tablename = any(%(tables)s)
union all
select c.relname, 'comment', obj_description(c.oid, 'pg_class') from pg_class as c
where c.relnamespace = %(schema)s::text::regnamespace and c.relname = any(%(tables)s)
order by 1, 2
"""


def test_the_tables_are_what_the_contract_says(story: Story) -> None:
    assert set(contracts()) == set(TARGETS)
    url = story.settings.require_target()
    with connect(url, autocommit=True) as conn, conn.transaction(force_rollback=True):
        create_expected(conn)
        found, expected = (
            [tuple(str(text).replace("esperado.", "public.") for text in row)
             for row in conn.execute(CATALOG, {"schema": schema, "tables": list(TARGETS)})]
            for schema in ("public", "esperado")
        )  # fmt: skip
    assert found == expected
    assert len([row for row in found if row[1].startswith("index idx_")]) > 30


# --- a row that is put right --------------------------------------------------------------------


def test_a_row_that_is_put_right_leaves_the_quarantine_with_its_children(story: Story) -> None:
    settings = story.settings

    def reasons() -> dict[tuple[str, str], list[str]]:
        rows = traspaso(settings, "fates", "tinkubot", "list").json["rows"]
        return {(row["source_table"], row["source_key"]): row["reasons"] for row in rows}

    before = reasons()
    assert {key: before[key] for key in WRONG} == WRONG
    with psycopg.connect(settings.require_target(), autocommit=True) as conn:
        change = "update public.users set phone_number = %s where id = %s"
        conn.execute(change, ["0900000001", uid(1)])
        answer = traspaso(settings, "fates", "tinkubot", "retry", "--yes")
        assert answer.code == 0, answer.stdout
        assert len(answer.json["rows"]) == len(before) - len(WRONG)
        assert reasons() == {key: before[key] for key in before if key not in WRONG}
        for table, key in (("proveedores", 1), ("servicios_proveedor", 2), ("sesiones", 3)):
            query = sql.SQL("select 1 from {} where id = %s").format(sql.Identifier(table))
            assert conn.execute(query, [uid(key)]).fetchone() is not None
    assert traspaso(settings, "validate", "tinkubot").code == 0


# --- killed -------------------------------------------------------------------------------------

# Each phase is awaited in a run of its own.
AWAITED = (1, 2, 3)
SECONDS = 120.0


def wait_for(
    conn: psycopg.Connection, phase: int, since: datetime, runner: subprocess.Popen[str]
) -> None:
    """Wait until a phase has recorded a step that began after a moment.

    An earlier run that was killed may have come as far: its steps are no sign of this one.
    """
    question = "select exists (select 1 from traspaso.steps where phase = %s and started_at > %s)"
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and runner.poll() is None:
        with contextlib.suppress(psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            found = conn.execute(question, [phase, since]).fetchone()
            if found is not None and found[0]:
                return
        time.sleep(0.02)
    pytest.fail(f"phase {phase} was never seen: {runner.communicate()}")


@pytest.mark.newest
def test_a_killed_run_is_continued_by_the_same_command(
    pg: PgServer, story: Story, tmp_path: Path
) -> None:
    rng = random.Random(pg.major)  # noqa: S311  # the same moments every time
    with (
        new_database(pg, "interrumpida", tmp_path) as settings,
        psycopg.connect(settings.require_target(), autocommit=True) as conn,
    ):
        create_dirty_legacy(conn)
        for phase in AWAITED:
            since = datetime.now(UTC)
            runner = start_traspaso(settings, *RUN)
            try:
                wait_for(conn, phase, since, runner)
                # Held still: it might be done before the second one asks.
                runner.send_signal(signal.SIGSTOP)
                second = traspaso(settings, *RUN)
                assert second.code == 3
                assert "another operator" in second.json["error"]["message"]
                assert traspaso(settings, "status", "tinkubot").json["state"] == "running"
                runner.send_signal(signal.SIGCONT)
                time.sleep(rng.uniform(0, 0.8))
            finally:
                runner.kill()
                runner.communicate()
            wait_until_unlocked(settings)
            assert traspaso(settings, "status", "tinkubot").json["state"] == "interrupted"
        ran = traspaso(settings, *RUN)
        assert ran.code == 0, ran.stdout
        photo = photograph(pg, settings)
    first = story.photos["all"]
    assert photo.ddl == first.ddl
    assert photo.target == first.target
    assert photo.legacy == first.legacy
    assert without_run(photo.fates) == without_run(first.fates)
    assert without_run(photo.repairs) == without_run(first.repairs)
    assert photo.proof["status"] == "pass"


@pytest.mark.newest
def test_a_run_that_failed_and_goes_on_keeps_what_earlier_phases_recorded(
    settings: Settings, conn: psycopg.Connection
) -> None:
    create_legacy(conn)
    assert traspaso(settings, *CREATE).code == 0
    conn.execute("alter table public.clientes add constraint imposible check (false)")
    failed = traspaso(settings, "run", "tinkubot", "--phase", "2", "--yes", "--ignore-window")
    assert failed.code == 1
    assert "imposible" in failed.json["error"]["message"]
    conn.execute("alter table public.clientes drop constraint imposible")
    assert traspaso(settings, *RUN).code == 0
    back = traspaso(settings, "rollback", "tinkubot", "--to", "1", "--yes")
    assert back.code == 0, back.stdout
    assert back.json["differences"] == []


@pytest.mark.newest
def test_a_completed_phase_that_fails_when_it_is_run_again_keeps_its_record(
    settings: Settings, conn: psycopg.Connection
) -> None:
    create_legacy(conn)
    assert traspaso(settings, *RUN).code == 0
    # The rows come back, which is refused once.
    conn.execute("delete from public.consentimientos")
    conn.execute("delete from public.clientes")
    conn.execute("alter table public.clientes add constraint imposible check (false)")
    failed = traspaso(settings, *RUN)
    assert failed.code == 1
    assert "imposible" in failed.json["error"]["message"]
    conn.execute("alter table public.clientes drop constraint imposible")
    assert traspaso(settings, *RUN).code == 0
    back = traspaso(settings, "rollback", "tinkubot", "--to", "2", "--yes")
    assert back.code == 0, back.stdout
    assert back.json["differences"] == []


def wait_until_unlocked(settings: Settings) -> None:
    """Wait until the server has seen that the runner is gone."""
    deadline = time.monotonic() + SECONDS
    with connect(settings.require_target(), autocommit=True) as conn:
        while time.monotonic() < deadline:
            if state.lock_holder(conn, "tinkubot") is None:
                return
            time.sleep(0.05)
    pytest.fail("the lock was not released")


# --- refused and failed -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def empty(pg: PgServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Give a legacy without rows, on which nothing was ever run."""
    with new_database(pg, "rehusada", tmp_path_factory.mktemp("rehusada")) as settings:
        with psycopg.connect(settings.require_target(), autocommit=True) as conn:
            create_empty_legacy(conn)
            conn.execute("drop role if exists sin_derechos")
            conn.execute("create role sin_derechos login")
        yield settings
        with psycopg.connect(settings.require_target(), autocommit=True) as conn:
            conn.execute("drop role sin_derechos")


def failure(answer: Answer, code: int, *, says: str) -> None:
    """Assert that an answer is a failure as the contract says: one object, with what to do."""
    assert answer.code == code, answer
    document = answer.json
    assert document["status"] == ("refused" if code == 3 else "failed")
    assert says in document["error"]["message"]
    assert "\n" not in document["error"]["message"]
    assert document["error"]["fix"]
    assert "Traceback" not in answer.stderr


def unchanged(pg: PgServer, settings: Settings, before: str) -> None:
    assert ddl(pg, settings) == before
    with psycopg.connect(settings.require_target(), autocommit=True) as conn:
        assert not state.is_installed(conn)


SPOILED = {
    "missing table": ("drop table public.sessions", "public.sessions is missing"),
    "wrong type": (
        "alter table public.users alter latitude type text",
        "public.users.latitude is text, expected numeric",
    ),
    "missing column": (
        "alter table public.messages drop column is_bot",
        "public.messages.is_bot is missing",
    ),
    "name taken": (
        "create table public.clientes (id uuid)",
        "public.clientes",
    ),
}


@pytest.mark.parametrize("spoiled", SPOILED)
def test_a_legacy_that_is_not_as_expected_is_refused_before_anything_is_done(
    pg: PgServer, tmp_path: Path, spoiled: str
) -> None:
    statement, says = SPOILED[spoiled]
    with new_database(pg, "estropeada", tmp_path) as settings:
        with psycopg.connect(settings.require_target(), autocommit=True) as conn:
            create_empty_legacy(conn)
            conn.execute(statement.encode())
        before = ddl(pg, settings)
        failure(traspaso(settings, *RUN), 1, says=says)
        unchanged(pg, settings, before)


def test_a_role_without_rights_is_told_which_it_lacks(pg: PgServer, empty: Settings) -> None:
    before = ddl(pg, empty)
    url = empty.require_target().replace("postgres@", "sin_derechos@")
    answer = traspaso(replace(empty, target_url=url), *RUN)
    failure(answer, answer.code if answer.code in {1, 4} else 4, says="sin_derechos")
    unchanged(pg, empty, before)


def test_a_server_that_cannot_be_reached_is_told_without_the_password(empty: Settings) -> None:
    url = f"postgresql://operador:{SECRET}@127.0.0.1:1/nada"
    for command in (RUN, ("validate", "tinkubot"), ("status", "tinkubot"), ("doctor", "tinkubot")):
        answer = traspaso(replace(empty, target_url=url), *command)
        failure(answer, 4, says="postgresql://operador@127.0.0.1:1/nada")
        assert SECRET not in answer.stdout + answer.stderr


def test_a_second_operator_is_refused(pg: PgServer, empty: Settings) -> None:
    before = ddl(pg, empty)
    url = empty.require_target()
    with connect(url, autocommit=True) as conn, state.operator_lock(conn, "tinkubot"):
        failure(traspaso(empty, *RUN), 3, says="another operator is moving tinkubot")
    unchanged(pg, empty, before)


def test_outside_the_window_a_run_is_refused(
    pg: PgServer, empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ddl(pg, empty)
    plan = load_plan("tinkubot")
    now = datetime.now(plan.window.timezone)
    opens, closes = (now + timedelta(hours=hours) for hours in (2, 3))
    closed = replace(plan.window, opens=opens.time(), closes=closes.time())
    monkeypatch.setattr(cli, "load_plan", lambda _: replace(plan, window=closed))
    answer = traspaso(empty, "run", "tinkubot", "--through", "3", "--yes")
    failure(answer, 3, says="is closed")
    assert "--ignore-window" in answer.json["error"]["fix"]
    unchanged(pg, empty, before)


REFUSED: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no yes": (("run", "tinkubot", "--through", "3", "--ignore-window"), 3, "--yes"),
    "order": (("run", "tinkubot", "--phase", "2", "--yes", "--ignore-window"), 3, "phase 0"),
    "nothing to undo": (("rollback", "tinkubot", "--to", "0", "--yes"), 3, ""),
    "nothing to retry": (("fates", "tinkubot", "retry", "--yes"), 3, "nothing"),
    "nothing to validate": (("validate", "tinkubot"), 3, "nothing"),
    "no phase": (("run", "tinkubot", "--yes"), 2, "--phase"),
    "both": (("run", "tinkubot", "--phase", "1", "--through", "3", "--yes"), 2, "--phase"),
    "unknown phase": (("run", "tinkubot", "--phase", "9", "--yes"), 2, "9"),
    "unknown system": (("run", "nada", "--through", "3", "--yes"), 2, "nada"),
    "unknown option": (("run", "tinkubot", "--fast"), 2, "--fast"),
    "unknown command": (("migrate",), 2, "migrate"),
    "later phase": (("run", "tinkubot", "--through", "6", "--yes", "--ignore-window"), 2, "6"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_is_one_object_and_its_exit_code(
    pg: PgServer, empty: Settings, case: str
) -> None:
    arguments, code, says = REFUSED[case]
    before = ddl(pg, empty)
    failure(traspaso(empty, *arguments), code, says=says)
    unchanged(pg, empty, before)


def test_without_a_database_named_it_is_usage(empty: Settings) -> None:
    failure(traspaso(replace(empty, target_url=None), *RUN), 2, says="TRASPASO_TARGET_URL")
