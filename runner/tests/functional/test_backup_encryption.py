import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pyrage
import pytest
from pyrage import passphrase

from runner import archive, backup, pgclient, vault
from runner.db import connect, server_major, table_checksum
from runner.errors import Refused, StepFailed, UsageProblem
from runner.plan import Plan, load_plan
from runner.server import PgServer
from runner.settings import Settings

PLANTED = "cédula-0912345678"
PASSPHRASE = "una frase que nadie adivina"
LEGACY = """
create table public.customers (
    id serial primary key, phone_number text unique not null, notes jsonb, photo bytea
);
insert into public.customers (phone_number, notes, photo)
select 'cédula-0912345678-' || g, jsonb_build_object('ñ', g), decode(md5(g::text), 'hex')
from generate_series(1, 400) as g;
create table public.messages (id int primary key, customer_id int references public.customers);
insert into public.messages select g, g from generate_series(1, 300) as g;
create table public."Ráro ""t" (a int);
create schema staging_tinkubot;
create table staging_tinkubot.valores as select 1 as a;
"""


@pytest.fixture
def plan() -> Plan:
    return load_plan("tinkubot")


@pytest.fixture
def key() -> str:
    return str(pyrage.x25519.Identity.generate())


@pytest.fixture
def sealed(settings: Settings, key: str) -> Settings:
    return replace(settings, backup_key=key)


@pytest.fixture
def legacy(conn: psycopg.Connection) -> psycopg.Connection:
    conn.execute(LEGACY)
    return conn


@pytest.fixture
def made(sealed: Settings, plan: Plan, legacy: psycopg.Connection) -> backup.Backup:
    assert not legacy.closed
    return backup.create(sealed, plan, 0)


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def is_verified(settings: Settings) -> bool:
    (shown,) = backup.backups(settings, "tinkubot")
    return shown.verified_at is not None


def plain_dump(settings: Settings, made: backup.Backup, path: Path) -> Path:
    """Decrypt as an operator would, outside of the backup's folder."""
    own = vault.unlock(settings.backup_key, made.path, archive.read_manifest(made.path))
    assert own is not None
    with path.open("wb") as file:
        own.decrypt(made.path / archive.SEALED_DUMP, file)
    return path


# --- at rest ------------------------------------------------------------------------------------


def test_no_file_of_the_folder_holds_a_planted_value_and_the_same_dump_in_the_clear_does(
    sealed: Settings, plan: Plan, made: backup.Backup, tmp_path: Path
) -> None:
    found = everything(made.path)
    for hidden in (PLANTED.encode(), b"PGDMP", b"phone_number"):
        assert hidden not in found
    assert {path.name for path in made.path.iterdir()} == {"manifest.json", "dump.age", "key.age"}
    assert (made.path / "dump.age").read_bytes().startswith(b"age-encryption.org/v1\n")
    assert made.encrypted
    # The proof that the search would have found it.
    plain = plain_dump(sealed, made, tmp_path / "plain")
    assert plain.read_bytes().startswith(b"PGDMP")
    with connect(sealed.require_target()) as conn:
        programs = pgclient.find_programs(server_major(conn))
    script = subprocess.run(
        [programs.path("pg_restore"), "--file=-", plain], check=True, capture_output=True
    )
    assert PLANTED.encode() in script.stdout
    assert backup.verify(sealed, plan, made.id).verified_at is not None


@pytest.mark.parametrize("kind", ["identity", "passphrase", "file of age-keygen"])
def test_what_was_encrypted_restores_byte_for_byte(
    *,
    kind: str,
    settings: Settings,
    plan: Plan,
    legacy: psycopg.Connection,
    pg: PgServer,
    key: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not legacy.closed
    stretched = count_scrypt(monkeypatch)
    given = {
        "identity": key,
        "passphrase": PASSPHRASE,
        "file of age-keygen": f"# created: 2026-01-01\n# public key: age1xyz\n{key}\n",
    }[kind]
    sealed = replace(settings, backup_key=given)
    made = backup.create(sealed, plan, 0)
    url = pg.create_database("otra")
    try:
        other = replace(sealed, target_url=url)
        backup.restore(other, plan, made.id, yes=True)
        for entry in json.loads((made.path / "manifest.json").read_text())["tables"]:
            with connect(url) as conn, connect(settings.require_target()) as here:
                name = entry["schema"], entry["table"]
                assert table_checksum(conn, *name) == table_checksum(here, *name)
        assert script_of(url, tmp_path) == script_of(settings.require_target(), tmp_path)
        assert stretched == (["encrypt", "decrypt"] if kind == "passphrase" else [])
    finally:
        pg.drop_database("otra")


def count_scrypt(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """List each time that a passphrase is stretched: a second or more."""
    calls: list[str] = []
    for name in ("encrypt", "decrypt"):
        real = getattr(passphrase, name)

        def counted(*given: Any, name: str = name, real: Any = real) -> Any:
            calls.append(name)
            return real(*given)

        monkeypatch.setattr(passphrase, name, counted)
    return calls


def script_of(url: str, folder: Path) -> bytes:
    """Dump a database's schemas as SQL, without what is random or names the database."""
    with connect(url) as conn:
        programs = pgclient.find_programs(server_major(conn))
    command = [str(programs.path("pg_dump")), "-n", "public", "-n", "staging_tinkubot", "-d", url]
    text = subprocess.run(command, check=True, capture_output=True, cwd=folder).stdout
    return b"\n".join(line for line in text.splitlines() if b"restrict " not in line)


def test_the_manifest_says_how_and_holds_neither_key_nor_value(
    made: backup.Backup, key: str, legacy: psycopg.Connection
) -> None:
    text = (made.path / "manifest.json").read_text()
    encryption = json.loads(text)["encryption"]
    assert encryption == {"format": "age", "key": "age identity", "key_file": "key.age"}
    recorded = str(legacy.execute("select b::text from traspaso.backups as b").fetchall())
    public = str(pyrage.x25519.Identity.from_str(key).to_public())
    for secret in (key, public, PLANTED):
        assert secret not in text
        assert secret not in recorded


def test_the_key_is_in_no_command_line_and_in_no_environment_of_a_program(
    sealed: Settings,
    plan: Plan,
    legacy: psycopg.Connection,
    key: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not legacy.closed
    started: list[str] = []

    class Spy(subprocess.Popen[bytes]):
        def __init__(self, command: list[str], **named: Any) -> None:
            started.append(f"{command} {named.get('env')}")
            super().__init__(command, **named)

    monkeypatch.setenv("TRASPASO_BACKUP_KEY", key)
    monkeypatch.setattr(subprocess, "Popen", Spy)
    made = backup.create(sealed, plan, 0)
    backup.verify(sealed, plan, made.id)
    backup.restore(sealed, plan, made.id, yes=True)
    assert len(started) >= 5
    assert key not in " ".join(started)
    assert key not in repr(sealed)


# --- keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("corta", "shorter than 12"),
        ("AGE-SECRET-KEY-1QQQQ", "starts like an age identity"),
        ("age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p", "public key"),
        ("AGE-PLUGIN-YUBIKEY-1QQQQ", "not known"),
    ],
)
def test_a_key_that_is_none_is_refused_before_anything_is_done(
    key: str, said: str, settings: Settings, plan: Plan
) -> None:
    with pytest.raises(UsageProblem, match=said) as caught:
        backup.create(replace(settings, backup_key=key), plan, 0)
    assert key not in caught.value.message + caught.value.fix
    assert not settings.backup_dir.exists()


def test_a_sensitive_table_is_not_backed_up_without_a_key(
    settings: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    assert not legacy.closed
    *others, last = plan.phases
    tables = tuple(replace(table, sensitive=True) for table in last.tables[:1])
    careful = replace(plan, phases=(*others, replace(last, tables=tables + last.tables[1:])))
    with pytest.raises(Refused, match=tables[0].source_table) as caught:
        backup.create(settings, careful, 0)
    assert "export TRASPASO_BACKUP_KEY=" in caught.value.fix
    assert not settings.backup_dir.exists()


@pytest.mark.parametrize("wrong", [None, PASSPHRASE, "another"])
def test_without_the_right_key_nothing_is_restored_and_the_backup_stays_verified(
    wrong: str | None, sealed: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    backup.verify(sealed, plan, made.id)
    legacy.execute("delete from public.messages where id > 10")
    if wrong == "another":
        wrong = str(pyrage.x25519.Identity.generate())
    without = replace(sealed, backup_key=wrong)
    for command in (
        lambda: backup.verify(without, plan, made.id),
        lambda: backup.restore(without, plan, made.id, yes=True),
        lambda: backup.restore_table(without, plan, made.id, "messages", yes=True),
    ):
        with pytest.raises(Refused) as caught:
            command()
        assert "TRASPASO_BACKUP_KEY" in caught.value.message
        assert "set TRASPASO_BACKUP_KEY" in caught.value.fix
    assert is_verified(sealed)
    assert legacy.execute("select count(*) from public.messages").fetchone() == (10,)


# --- damage -------------------------------------------------------------------------------------


def test_a_flipped_byte_anywhere_is_found_and_never_restored(
    sealed: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    legacy.execute("delete from public.messages where id > 10")
    for path in sorted(made.path.iterdir()):
        whole = path.read_bytes()
        for place in (0, len(whole) // 3, len(whole) - 1):
            broken = bytearray(whole)
            broken[place] ^= 1
            path.write_bytes(broken)
            with pytest.raises(StepFailed):
                backup.verify(sealed, plan, made.id)
            with pytest.raises(StepFailed):
                backup.restore(sealed, plan, made.id, yes=True)
        path.write_bytes(whole[:-20])
        with pytest.raises(StepFailed):
            backup.verify(sealed, plan, made.id)
        path.write_bytes(whole)
    assert not is_verified(sealed)
    assert legacy.execute("select count(*) from public.messages").fetchone() == (10,)
    assert backup.verify(sealed, plan, made.id).verified_at is not None


@pytest.mark.parametrize("change", ["rows", "space", "unsealed", "other seal", "hashes"])
def test_a_changed_manifest_is_found_by_a_database_that_never_saw_the_backup(
    change: str, sealed: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    legacy.execute("delete from traspaso.backups")
    path = made.path / "manifest.json"
    text = path.read_text()
    document = json.loads(text)
    if change == "hashes":
        # Whoever changes a file can compute its sha256 again, but not the seal.
        with (made.path / "dump.age").open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"?")
        archive.write_manifest(made.path, document | archive.list_files(made.path))
    elif change == "unsealed":
        archive.write_manifest(
            made.path,
            {key: value for key, value in document.items() if key not in {"encryption", "seal"}},
        )
    elif change == "other seal":
        archive.write_manifest(made.path, document | {"seal": "0" * 64})
    else:
        before, after = ('"rows": 300', '"rows": 301') if change == "rows" else (": [", ":  [")
        path.write_text(text.replace(before, after))
    with pytest.raises(StepFailed, match="was changed"):
        backup.verify(sealed, plan, made.id)
    assert legacy.execute("select count(*) from traspaso.backups").fetchone() == (0,)


def test_an_encrypted_file_that_was_exchanged_is_never_committed(
    sealed: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    # Below all sums: what age itself says while it decrypts into pg_restore.
    own = vault.unlock(sealed.backup_key, made.path, archive.read_manifest(made.path))
    dump = made.path / archive.SEALED_DUMP
    with connect(sealed.require_target()) as conn:
        programs = pgclient.find_programs(server_major(conn))
    entries = pgclient.table_of_contents(programs, archive.dump_in(made.path, own))
    dump.write_bytes(dump.read_bytes()[:-30])
    legacy.execute("delete from public.messages where id > 10")
    with pytest.raises(StepFailed):
        pgclient.replay(
            programs,
            sealed.require_target(),
            archive.dump_in(made.path, own),
            entries=[entry for entry in entries if " SCHEMA - " not in entry],
            lock_timeout_ms=1000,
            application_name="prueba",
        )
    assert legacy.execute("select count(*) from public.messages").fetchone() == (10,)
    assert plan.system == made.system


# --- faults -------------------------------------------------------------------------------------


def entries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_a_killed_encrypted_backup_is_none_and_the_next_removes_it(
    sealed: Settings, plan: Plan, legacy: psycopg.Connection, key: str
) -> None:
    assert not legacy.closed
    code = (
        "import os, signal, sys, time\nfrom pathlib import Path\n"
        "from runner import backup\nfrom runner.plan import load_plan\n"
        "from runner.settings import Settings\n"
        "settings = Settings(target_url=sys.argv[1], backup_dir=Path(sys.argv[2]),"
        " backup_key=os.environ['KEY'])\n"
        "backup.create(settings, load_plan('tinkubot'), 0,"
        " tell=lambda *_: (time.sleep(1), os.kill(os.getpid(), signal.SIGKILL)))\n"
    )
    command = [sys.executable, "-c", code, sealed.require_target(), str(sealed.backup_dir)]
    killed = subprocess.run(command, check=False, env=os.environ | {"KEY": key})
    assert killed.returncode == -signal.SIGKILL
    (left,) = entries(sealed.backup_dir)
    assert left.startswith(".partial_tinkubot_0_")
    assert PLANTED.encode() not in everything(sealed.backup_dir)
    assert backup.backups(sealed, "tinkubot") == []
    made = backup.create(sealed, plan, 0)
    assert entries(sealed.backup_dir) == {made.id}


def test_a_full_disk_is_told_and_leaves_nothing(
    sealed: Settings, plan: Plan, legacy: psycopg.Connection, small_disk: Path
) -> None:
    legacy.execute(
        "insert into public.customers (phone_number, photo)"
        " select n::text, decode(string_agg(md5(random()::text), ''), 'hex')"
        " from generate_series(1, 4000) as n, generate_series(1, 60) as m group by n"
    )
    with pytest.raises(StepFailed, match="No space left on device") as caught:
        backup.create(replace(sealed, backup_dir=small_disk / "b"), plan, 0)
    assert "TRASPASO_BACKUP_DIR" in caught.value.fix
    assert entries(small_disk / "b") == set()


def test_a_table_that_is_locked_ends_an_encrypted_backup_too(
    sealed: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    with legacy.transaction():
        legacy.execute("lock table public.messages")
        with pytest.raises((StepFailed, Refused), match="lock"):
            backup.create(sealed, replace(plan, lock_timeout_ms=100), 0)
    assert entries(sealed.backup_dir) == set()


def test_age_alone_opens_a_backup_without_us(
    sealed: Settings, made: backup.Backup, key: str, tmp_path: Path
) -> None:
    # What `age -d -i` does, twice.
    ours = pyrage.x25519.Identity.from_str(key)
    own = pyrage.decrypt((made.path / "key.age").read_bytes(), [ours]).decode()
    opened = pyrage.x25519.Identity.from_str(own)
    dump = pyrage.decrypt((made.path / "dump.age").read_bytes(), [opened])
    assert dump.startswith(b"PGDMP")
    assert dump == plain_dump(sealed, made, tmp_path / "plain").read_bytes()
