import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from runner import archive, backup, drill, pgclient, state
from runner.db import connect, table_checksum
from runner.errors import Locked, Refused, StepFailed, Unreachable, UsageProblem
from runner.plan import Plan, load_plan
from runner.server import PgServer, embedded_bin
from runner.settings import Settings
from runner.tests.conftest import servers

LEGACY = """
create extension citext;
create table public.customers (
    id serial primary key, phone_number citext unique not null, notes jsonb, photo bytea
);
insert into public.customers (phone_number, notes, photo)
select '+5939' || g, jsonb_build_object('ñ', g), decode(md5(g::text), 'hex')
from generate_series(1, 500) as g;
create table public.messages (id int primary key, customer_id int references public.customers);
insert into public.messages select g, g from generate_series(1, 300) as g;
create table public."Ráro ""t" (a int);
create view public.recent as select * from public.messages;
create function public.handle_updated_at() returns trigger language plpgsql as
'begin return new; end';
create trigger t before update on public.customers
for each row execute function public.handle_updated_at();
create schema staging_tinkubot;
create table staging_tinkubot.valores as select 1 as a;
create schema ajeno;
create table ajeno.secreto as select 1 as a;
"""


@pytest.fixture
def plan() -> Plan:
    return load_plan("tinkubot")


@pytest.fixture
def legacy(conn: psycopg.Connection) -> psycopg.Connection:
    conn.execute(LEGACY)
    return conn


@pytest.fixture
def made(settings: Settings, plan: Plan, legacy: psycopg.Connection) -> backup.Backup:
    assert not legacy.closed
    return backup.create(settings, plan, 0)


def databases(conn: psycopg.Connection) -> set[str]:
    return {row[0] for row in conn.execute("select datname from pg_database").fetchall()}


def scratches(conn: psycopg.Connection) -> set[str]:
    return {name for name in databases(conn) if name.startswith(backup.SCRATCH_PREFIX)}


def entries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def latest(settings: Settings) -> backup.Backup | None:
    with connect(settings.require_target(), read_only=True) as conn:
        return backup.latest_verified(conn, "tinkubot")


def manifest_of(made: backup.Backup) -> dict[str, object]:
    document: dict[str, object] = json.loads((made.path / backup.MANIFEST).read_text())
    return document


# --- create -------------------------------------------------------------------------------------


def test_a_backup_holds_all_the_plan_can_touch_and_nothing_else(
    made: backup.Backup, database: str
) -> None:
    manifest = json.loads((made.path / backup.MANIFEST).read_text())
    assert manifest["schemas"] == ["public", "staging_tinkubot"]
    tables = {(entry["schema"], entry["table"]): entry for entry in manifest["tables"]}
    assert set(tables) == {
        ("public", "customers"),
        ("public", "messages"),
        ("public", 'Ráro "t'),
        ("staging_tinkubot", "valores"),
    }
    with connect(database) as conn:
        for (schema, table), entry in tables.items():
            found = table_checksum(conn, schema, table)
            assert (entry["rows"], entry["checksum"]) == (found.rows, found.checksum)
    assert manifest["sequences"][0]["last_value"] == 500


def test_every_file_is_listed_with_its_sha256_as_sha256sum_prints_it(made: backup.Backup) -> None:
    manifest = json.loads((made.path / backup.MANIFEST).read_text())
    listed = {entry["path"] for entry in manifest["files"]}
    present = {
        path.relative_to(made.path).as_posix() for path in made.path.rglob("*") if path.is_file()
    }
    assert listed == present - {backup.MANIFEST}
    listing = "".join(f"{entry['sha256']}  {entry['path']}\n" for entry in manifest["files"])
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet"],
        input=listing,
        cwd=made.path,
        text=True,
        check=False,
    )
    assert checked.returncode == 0
    total = subprocess.run(["sha256sum"], input=listing, capture_output=True, text=True, check=True)
    assert total.stdout.split()[0] == made.sha256
    assert made.bytes == sum(entry["bytes"] for entry in manifest["files"])


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_files_are_0600_and_folders_0700_whatever_the_umask(
    settings: Settings, plan: Plan, legacy: psycopg.Connection, umask: int
) -> None:
    assert not legacy.closed
    before = os.umask(umask)
    try:
        made = backup.create(settings, plan, 0)
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in made.path.rglob("*") if path.is_file()}
    assert modes == {0o600}
    for folder in (settings.backup_dir, made.path, made.path / "dump"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_sums_and_dump_are_of_the_same_moment_while_others_write(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    def write_between(_table: str, _rows: int) -> None:
        legacy.execute("insert into public.messages select max(id) + 1 from public.messages")
        legacy.execute("update public.customers set notes = '{}' where id = 1")

    made = backup.create(settings, plan, 0, tell=write_between)
    verified = backup.verify(settings, plan, made.id)
    assert verified.verified_at is not None


def test_the_password_is_in_no_command_line_no_file_and_no_table(
    settings: Settings,
    plan: Plan,
    legacy: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret = "s3creto-de-prueba"
    url = settings.require_target().replace("postgres@", f"postgres:{secret}@")
    with_password = replace(settings, target_url=url)
    commands: list[str] = []

    class Spy(subprocess.Popen[bytes]):
        def __init__(self, command: list[str], **named: Any) -> None:
            commands.append(" ".join(map(str, command)))
            super().__init__(command, **named)

    monkeypatch.setattr(subprocess, "Popen", Spy)
    made = backup.create(with_password, plan, 0)
    backup.verify(with_password, plan, made.id)
    backup.restore(with_password, plan, made.id, yes=True)
    for program in ("pg_dump", "pg_restore", "psql"):
        assert any(program in command for command in commands)
    assert secret not in " ".join(commands)
    assert secret not in (made.path / backup.MANIFEST).read_text()
    rows = legacy.execute("select b::text from traspaso.backups as b").fetchall()
    assert secret not in str(rows)


def test_a_table_that_cannot_be_read_fails_and_leaves_nothing(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    legacy.execute("create role limitado login")
    legacy.execute(
        sql.SQL("grant create on database {} to limitado").format(
            sql.Identifier(legacy.info.dbname)
        )
    )
    url = settings.require_target().replace("postgres@", "limitado@")
    try:
        with pytest.raises((StepFailed, Unreachable), match="permission denied"):
            backup.create(replace(settings, target_url=url), plan, 0)
        assert entries(settings.backup_dir) == set()
        assert backup.backups(settings, "tinkubot") == []
    finally:
        legacy.execute("drop owned by limitado")
        legacy.execute("drop role limitado")


def test_a_table_that_is_locked_is_not_waited_for(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    impatient = replace(plan, lock_timeout_ms=100)
    with legacy.transaction():
        legacy.execute("lock table public.messages")
        with pytest.raises((StepFailed, Refused)) as caught:
            backup.create(settings, impatient, 0)
    assert "transaction has ended" in caught.value.fix
    assert entries(settings.backup_dir) == set()


def test_a_full_disk_is_told_and_leaves_nothing(
    settings: Settings, plan: Plan, legacy: psycopg.Connection, small_disk: Path
) -> None:
    legacy.execute(
        "insert into public.customers (phone_number, photo)"
        " select n::text, decode(string_agg(md5(random()::text), ''), 'hex')"
        " from generate_series(1, 4000) as n, generate_series(1, 60) as m group by n"
    )
    with pytest.raises(StepFailed, match="No space left on device") as caught:
        backup.create(replace(settings, backup_dir=small_disk / "b"), plan, 0)
    assert "TRASPASO_BACKUP_DIR" in caught.value.fix
    assert entries(small_disk / "b") == set()


def test_a_folder_that_cannot_be_made_is_told(
    settings: Settings, plan: Plan, legacy: psycopg.Connection, tmp_path: Path
) -> None:
    assert not legacy.closed
    (tmp_path / "file").touch()
    with pytest.raises(StepFailed, match="backup folder"):
        backup.create(replace(settings, backup_dir=tmp_path / "file" / "b"), plan, 0)


def test_a_schema_that_does_not_exist_is_named(settings: Settings, plan: Plan) -> None:
    with pytest.raises(StepFailed, match="viejo"):
        backup.create(replace(settings, legacy_schema="viejo"), plan, 0)


def test_a_legacy_elsewhere_is_not_looked_for_here(settings: Settings, plan: Plan) -> None:
    elsewhere = replace(settings, legacy_schema="viejo", legacy_url="postgresql://h/x")
    assert manifest_of(backup.create(elsewhere, plan, 0))["schemas"] == ["public"]


def test_a_killed_backup_leaves_a_partial_folder_that_the_next_removes(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    code = (
        "import os, signal, sys, time\nfrom pathlib import Path\n"
        "from runner import backup\nfrom runner.plan import load_plan\n"
        "from runner.settings import Settings\n"
        "settings = Settings(target_url=sys.argv[1], backup_dir=Path(sys.argv[2]))\n"
        "backup.create(settings, load_plan('tinkubot'), 0,"
        " tell=lambda *_: (time.sleep(1), os.kill(os.getpid(), signal.SIGKILL)))\n"
    )
    command = [sys.executable, "-c", code, settings.require_target(), str(settings.backup_dir)]
    with legacy.transaction():
        # It is killed after its first table, while its pg_dump waits for this one.
        legacy.execute("lock table public.messages")
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        (left,) = entries(settings.backup_dir)
        assert left.startswith(".partial_tinkubot_0_")
        assert backup.backups(settings, "tinkubot") == []
        with pytest.raises((StepFailed, Refused), match="lock"):
            backup.create(settings, replace(plan, lock_timeout_ms=100), 0)
        # The attempt has failed, but what was left is gone, the orphaned dump included.
        assert entries(settings.backup_dir) == set()
        _until_alone(legacy)
    made = backup.create(settings, plan, 0)
    assert entries(settings.backup_dir) == {made.id}


def test_a_backup_that_is_being_made_is_not_taken_for_a_killed_one(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    assert not legacy.closed
    others: list[str] = []

    def another(_table: str, _rows: int) -> None:
        if not others:
            others.append("")
            others[0] = backup.create(settings, plan, 0).id

    made = backup.create(settings, plan, 0, tell=another)
    assert entries(settings.backup_dir) == {made.id, others[0]}


# --- verify -------------------------------------------------------------------------------------


def test_a_backup_counts_once_it_was_restored_and_compared(
    settings: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    assert made.verified_at is None
    assert latest(settings) is None
    told: list[tuple[str, int]] = []
    verified = backup.verify(settings, plan, made.id, tell=lambda *told_: told.append(told_))
    assert verified.verified_at is not None
    assert ("public.customers", 500) in told
    found = latest(settings)
    assert found is not None
    assert found.id == made.id
    (shown,) = backup.backups(settings, "tinkubot")
    assert shown.to_json()["verified"] is True
    assert scratches(legacy) == set()


def test_a_newer_client_verifies_and_restores_an_older_server(
    settings: Settings,
    plan: Plan,
    legacy: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    newest = pgclient._programs(embedded_bin())
    assert newest is not None
    monkeypatch.setattr(pgclient, "find_programs", lambda _major: newest)
    made = backup.create(settings, plan, 0)
    assert manifest_of(made)["client_version"] == newest.version
    backup.verify(settings, plan, made.id)
    legacy.execute("delete from public.messages")
    backup.restore(settings, plan, made.id, yes=True)
    assert legacy.execute("select count(*) from public.messages").fetchone() == (300,)


@pytest.mark.parametrize(
    ("damage", "said"),
    [("flip", "is damaged"), ("remove", "is missing"), ("add", "does not belong")],
)
def test_a_damaged_file_is_named_and_nothing_is_restored(
    settings: Settings,
    made: backup.Backup,
    monkeypatch: pytest.MonkeyPatch,
    damage: str,
    said: str,
) -> None:
    plan = load_plan("tinkubot")
    backup.verify(settings, plan, made.id)
    data = next((made.path / "dump").glob("*.gz"))
    if damage == "flip":
        content = bytearray(data.read_bytes())
        content[len(content) // 2] ^= 1
        data.write_bytes(content)
    elif damage == "remove":
        data.unlink()
    else:
        data = data.with_name("9999.dat.gz")
        data.touch()
    monkeypatch.setattr(pgclient, "restore_into", _never)
    monkeypatch.setattr(pgclient, "replay", _never)
    with pytest.raises(StepFailed, match=rf"dump/{data.name} {said}"):
        backup.verify(settings, plan, made.id)
    with pytest.raises(StepFailed, match=rf"dump/{data.name} {said}"):
        backup.restore(settings, plan, made.id, yes=True)
    # It was verified once, and counts no more.
    assert latest(settings) is None


def _never(*_arguments: object, **_named: object) -> None:
    pytest.fail("a damaged backup was restored")


def test_a_changed_manifest_is_found(settings: Settings, plan: Plan, made: backup.Backup) -> None:
    path = made.path / backup.MANIFEST
    path.write_text(path.read_text().replace('"rows": 300', '"rows": 301'))
    with pytest.raises(StepFailed, match="was changed"):
        backup.verify(settings, plan, made.id)
    path.write_text(path.read_text()[:-40])
    with pytest.raises(StepFailed, match="is damaged"):
        backup.verify(settings, plan, made.id)


def test_rows_that_differ_from_the_manifest_are_told_and_the_scratch_is_dropped(
    settings: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    # As if pg_dump had left a row out: the manifest says one more than was dumped.
    path = made.path / backup.MANIFEST
    path.write_text(path.read_text().replace('"rows": 300', '"rows": 301'))
    legacy.execute("delete from traspaso.backups")
    with pytest.raises(StepFailed, match=r"public\.messages differs \(300 rows of 301\)"):
        backup.verify(settings, plan, made.id)
    assert scratches(legacy) == set()
    row = legacy.execute("select verified_at, verified_detail from traspaso.backups").fetchone()
    assert row is not None
    assert row[0] is None
    assert "differs" in row[1]["error"]


def test_a_sequence_that_is_behind_is_found(
    settings: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    path = made.path / backup.MANIFEST
    path.write_text(path.read_text().replace('"last_value": 500', '"last_value": 501'))
    legacy.execute("delete from traspaso.backups")
    with pytest.raises(StepFailed, match="customers_id_seq is behind"):
        backup.verify(settings, plan, made.id)


def test_what_needs_a_schema_that_is_not_in_the_backup_is_named_and_no_failure(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    legacy.execute(
        "create schema auth; create table auth.users (id int primary key);"
        "create function auth.uid() returns int language sql as 'select 1';"
        "alter table public.customers add constraint ajena foreign key (id)"
        " references auth.users not valid;"
        "create policy propia on public.customers using (id = auth.uid())"
    )
    made = backup.create(settings, plan, 0)
    backup.verify(settings, plan, made.id)
    row = legacy.execute(
        "select verified_detail -> 'not_restored' from traspaso.backups"
    ).fetchone()
    assert row is not None
    assert len(row[0]) == 2
    assert "propia" in str(row[0])


def test_what_does_not_restore_for_another_reason_is_a_failure(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    # A key that its rows do not satisfy: possible by switching triggers off.
    legacy.execute("alter table public.messages disable trigger all")
    legacy.execute("insert into public.messages values (999, 999)")
    made = backup.create(settings, plan, 0)
    with pytest.raises(StepFailed, match=r"does not restore: .*violates foreign key"):
        backup.verify(settings, plan, made.id)
    assert scratches(legacy) == set()


def test_the_scratch_database_of_a_killed_verification_is_dropped_by_the_next(
    settings: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from runner import backup\nfrom runner.plan import load_plan\n"
        "from runner.settings import Settings\n"
        "settings = Settings(target_url=sys.argv[1], backup_dir=Path(sys.argv[2]))\n"
        "backup.verify(settings, load_plan('tinkubot'), sys.argv[3],"
        " tell=lambda *_: os.kill(os.getpid(), signal.SIGKILL))\n"
    )
    command = [sys.executable, "-c", code, settings.require_target(), str(settings.backup_dir)]
    assert subprocess.run([*command, made.id], check=False).returncode == -signal.SIGKILL
    assert scratches(legacy) == {backup.SCRATCH_PREFIX + made.id}
    other = backup.create(settings, plan, 0)
    _until_alone(legacy)
    backup.verify(settings, plan, other.id)
    assert scratches(legacy) == set()


def _until_alone(conn: psycopg.Connection) -> None:
    """Wait until the server has noticed that what was killed is gone, its children included."""
    query = (
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and backend_type = 'client backend' and pid <> pg_backend_pid()"
    )
    for _ in range(40):
        conn.execute("select pg_stat_clear_snapshot()")
        if conn.execute(query).fetchone() == (0,):
            return
        time.sleep(0.05)
    pytest.fail("a killed command still has its session")


def test_the_scratch_database_of_a_living_verification_is_left_alone(
    settings: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    other = backup.create(settings, plan, 0)
    seen: list[set[str]] = []

    def another(_table: str, _rows: int) -> None:
        if not seen:
            seen.append(scratches(legacy))
            backup.verify(settings, plan, other.id)

    backup.verify(settings, plan, made.id, tell=another)
    assert seen == [{backup.SCRATCH_PREFIX + made.id}]


def test_a_role_that_may_not_create_databases_is_told_what_to_grant(
    settings: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    legacy.execute("create role sin_bases login")
    legacy.execute("grant usage on schema traspaso to sin_bases")
    legacy.execute("grant all on all tables in schema traspaso to sin_bases")
    grant = sql.SQL("grant create on database {} to sin_bases")
    legacy.execute(grant.format(sql.Identifier(legacy.info.dbname)))
    url = settings.require_target().replace("postgres@", "sin_bases@")
    try:
        with pytest.raises(Unreachable, match="scratch database") as caught:
            backup.verify(replace(settings, target_url=url), plan, made.id)
        assert caught.value.fix.endswith("alter role sin_bases createdb")
    finally:
        legacy.execute("drop owned by sin_bases")
        legacy.execute("drop role sin_bases")


def test_an_unknown_backup_says_where_to_look(settings: Settings, plan: Plan) -> None:
    with pytest.raises(UsageProblem, match="there is no backup") as caught:
        backup.verify(settings, plan, "../otro")
    assert "traspaso backup tinkubot list" in caught.value.fix
    with pytest.raises(UsageProblem, match="there is no backup"):
        backup.restore(settings, plan, "nada", yes=True)


# --- list and prune -----------------------------------------------------------------------------


def test_a_backup_folder_is_found_by_a_database_that_forgot_it(
    settings: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    legacy.execute("drop schema traspaso cascade")
    (shown,) = backup.backups(settings, "tinkubot")
    assert (shown.id, shown.verified_at, shown.present) == (made.id, None, True)
    assert backup.verify(settings, plan, made.id).verified_at is not None


def test_a_backup_on_another_laptop_is_listed_as_absent(
    settings: Settings, made: backup.Backup
) -> None:
    shutil.rmtree(made.path)
    (shown,) = backup.backups(settings, "tinkubot")
    assert shown.present is False


def test_prune_never_deletes_the_newest_verified_one(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    assert not legacy.closed
    made = [backup.create(settings, plan, 0).id for _ in range(4)]
    made.sort(key=[b.id for b in backup.backups(settings, "tinkubot")].index)
    backup.verify(settings, plan, made[0])
    backup.verify(settings, plan, made[1])
    with pytest.raises(UsageProblem):
        backup.prunable(settings, "tinkubot")
    assert backup.prunable(settings, "tinkubot", days=1) == []
    preview = backup.prunable(settings, "tinkubot", keep=1)
    assert [b.id for b in preview] == [made[0], made[2]]
    assert entries(settings.backup_dir) == set(made)
    assert backup.prune(settings, "tinkubot", keep=1) == preview
    assert entries(settings.backup_dir) == {made[1], made[3]}
    assert [b.id for b in backup.backups(settings, "tinkubot")] == [made[1], made[3]]
    assert [b.id for b in backup.prune(settings, "tinkubot", keep=0, days=0)] == [made[3]]
    assert entries(settings.backup_dir) == {made[1]}


def test_prune_that_keeps_more_than_there_are_deletes_none(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    assert not legacy.closed
    made = {backup.create(settings, plan, 0).id for _ in range(3)}
    assert backup.prune(settings, "tinkubot", keep=5) == []
    assert entries(settings.backup_dir) == made


def test_prune_keeps_the_newest_verified_one_that_is_here_beside_one_that_is_not(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    assert not legacy.closed
    made = [backup.create(settings, plan, 0) for _ in range(3)]
    made.sort(key=lambda each: (each.created_at, each.id))
    for each in made:
        backup.verify(settings, plan, each.id)
    shutil.rmtree(made[2].path)
    assert [b.id for b in backup.prunable(settings, "tinkubot", keep=0, days=0)] == [made[0].id]


def test_prune_leaves_a_backup_that_a_command_uses(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    assert not legacy.closed
    made = [backup.create(settings, plan, 0) for _ in range(2)]
    deleted: list[list[backup.Backup]] = []

    def prune(_table: str, _rows: int) -> None:
        deleted.append(backup.prune(settings, "tinkubot", keep=0, days=0))

    backup.verify(settings, plan, made[0].id, tell=prune)
    assert [[b.id for b in each] for each in deleted] == [[made[1].id], [], [], []]
    # From another machine only the session is seen.
    shutil.rmtree(made[0].path)
    legacy.execute("update traspaso.backups set verified_at = null")
    doomed = backup.prunable(settings, "tinkubot", keep=0, days=0)
    assert [b.id for b in doomed] == [made[0].id]
    with connect(settings.require_target(), application_name=f"{made[0].id}_restore"):
        assert backup.prunable(settings, "tinkubot", keep=0, days=0) == []


def test_prune_leaves_a_folder_that_a_command_on_another_database_uses(
    made: backup.Backup,
) -> None:
    # On another database of the same folder nobody sees the session, but the folder is held.
    with archive.in_use(made.path):
        assert archive.retire(made.path) is False
    assert made.path.exists()
    assert archive.retire(made.path)
    assert not made.path.exists()


# --- restore ------------------------------------------------------------------------------------


def test_a_restore_brings_back_rows_tables_and_sequences(
    settings: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    legacy.execute("delete from public.customers where id > 300")
    legacy.execute("update public.messages set customer_id = 1")
    legacy.execute('drop table public."Ráro ""t"; drop view public.recent')
    legacy.execute("alter table public.messages drop constraint messages_pkey")
    legacy.execute("create table public.posterior (a int)")
    backup.restore(settings, plan, made.id, yes=True)
    manifest = json.loads((made.path / backup.MANIFEST).read_text())
    with connect(settings.require_target()) as conn:
        for entry in manifest["tables"]:
            found = table_checksum(conn, entry["schema"], entry["table"])
            assert (found.rows, found.checksum) == (entry["rows"], entry["checksum"])
    assert legacy.execute("select nextval('public.customers_id_seq')").fetchone() == (501,)
    assert legacy.execute("select to_regclass('public.posterior') is not null").fetchone() == (
        True,
    )
    assert legacy.execute("select count(*) from ajeno.secreto").fetchone() == (1,)


def test_a_restore_without_yes_says_what_it_would_replace(
    settings: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    legacy.execute("delete from public.messages")
    with pytest.raises(Refused, match="replaces 4 tables") as caught:
        backup.restore(settings, plan, made.id, yes=False)
    assert caught.value.fix == f"traspaso backup tinkubot restore {made.id} --yes"
    assert legacy.execute("select count(*) from public.messages").fetchone() == (0,)


def test_a_restore_is_refused_once_a_phase_has_begun(
    settings: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    run_id = state.start_run(legacy, "tinkubot", "run")
    state.record_step(legacy, "tinkubot", 1, "clientes", run_id=run_id, status="running")
    with pytest.raises(Refused, match="phase 1") as caught:
        backup.restore(settings, plan, made.id, yes=True)
    assert caught.value.fix.startswith("traspaso rollback tinkubot --to 0 --yes, then ")


def test_a_restore_is_refused_while_spanish_tables_exist(
    settings: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    legacy.execute("create table public.clientes (id int references public.customers)")
    with pytest.raises(Refused, match=r"public\.clientes"):
        backup.restore(settings, plan, made.id, yes=True)


def test_a_restore_that_fails_changes_nothing(
    settings: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    legacy.execute("delete from public.messages where id > 10")
    # The view of somebody else holds on to a table that the restore replaces.
    legacy.execute("create view ajeno.vista as select * from public.messages")
    with pytest.raises(StepFailed, match="messages"):
        backup.restore(settings, plan, made.id, yes=True)
    assert legacy.execute("select count(*) from ajeno.vista").fetchone() == (10,)


def test_a_restore_gives_way_to_the_applications_locks(
    settings: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    impatient = replace(plan, lock_timeout_ms=100)
    with legacy.transaction():
        legacy.execute("lock table public.messages in access share mode")
        with pytest.raises(Locked, match="lock timeout") as caught:
            backup.restore(settings, impatient, made.id, yes=True)
    assert "transaction has ended" in caught.value.fix


def test_a_restore_whose_reader_dies_is_not_committed(
    settings: Settings, made: backup.Backup, legacy: psycopg.Connection, tmp_path: Path
) -> None:
    with connect(settings.require_target()) as conn:
        real = pgclient.find_programs(conn.info.server_version // 10_000)
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("pg_dump", "psql"):
        (folder / name).symlink_to(real.path(name))
    script = f'#!/bin/sh\n"{real.path("pg_restore")}" "$@" | head -n 60\nexit 1\n'
    (folder / "pg_restore").write_text(script)
    (folder / "pg_restore").chmod(0o755)
    legacy.execute("delete from public.messages where id > 10")
    listed = pgclient.table_of_contents(real, made.path / "dump")
    with pytest.raises(StepFailed):
        pgclient.replay(
            replace(real, bin_dir=folder),
            settings.require_target(),
            made.path / "dump",
            entries=drill.without_schemas(listed, ["public", "staging_tinkubot"]),
            lock_timeout_ms=1000,
            application_name="prueba",
        )
    assert legacy.execute("select count(*) from public.messages").fetchone() == (10,)


def test_a_backup_restores_on_an_empty_server(
    settings: Settings, plan: Plan, made: backup.Backup, pg: PgServer
) -> None:
    assert pg.major in servers()
    url = pg.create_database("otra")
    try:
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("create extension citext")
        backup.restore(replace(settings, target_url=url), plan, made.id, yes=True)
        with connect(url) as conn:
            assert table_checksum(conn, "public", "customers").rows == 500
    finally:
        pg.drop_database("otra")


def test_a_lost_server_is_told(pg: PgServer, plan: Plan, tmp_path: Path) -> None:
    with PgServer(pg.bin_dir) as server:
        url = server.create_database("caida")
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute(LEGACY)
        settings = Settings(target_url=url, backup_dir=tmp_path / "b")
        with pytest.raises((Unreachable, StepFailed)) as caught:
            backup.create(settings, plan, 0, tell=lambda *_: server.kill())
        assert "say the same command again" in caught.value.fix
        assert entries(settings.backup_dir) == set()
        server.start()
        made = backup.create(settings, plan, 0)
        assert backup.verify(settings, plan, made.id).verified_at is not None


def test_an_error_of_our_own_leaves_nothing_either(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    assert not legacy.closed

    def stumble(_table: str, _rows: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        backup.create(settings, plan, 0, tell=stumble)
    assert entries(settings.backup_dir) == set()
