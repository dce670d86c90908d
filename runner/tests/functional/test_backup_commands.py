"""The backup commands as they are typed: exit codes, JSON, what is asked before."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg
import pyrage
import pytest

from runner import backup, cli
from runner.plan import Backup, Plan, Retention, load_plan
from runner.settings import Settings

LEGACY = """
create table public.customers (id int primary key, phone_number text);
insert into public.customers select g, '+5939' || g from generate_series(1, 50) as g;
"""

Type = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def key() -> str:
    return str(pyrage.x25519.Identity.generate())


@pytest.fixture
def legacy(conn: psycopg.Connection) -> psycopg.Connection:
    conn.execute(LEGACY)
    return conn


@pytest.fixture
def typed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Type:
    """Give a function that types `traspaso --json backup tinkubot …`."""
    monkeypatch.setenv("TRASPASO_TARGET_URL", settings.require_target())
    monkeypatch.setenv("TRASPASO_BACKUP_DIR", str(settings.backup_dir))
    for name in ("KEY", "S3"):
        monkeypatch.delenv(f"TRASPASO_BACKUP_{name}", raising=False)

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        with pytest.raises(SystemExit) as ended:
            cli.main(["--json", "backup", "tinkubot", *words])
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return int(str(ended.value.code)), answer

    return run


@pytest.fixture
def retention(monkeypatch: pytest.MonkeyPatch) -> Callable[[Retention], None]:
    """Give a function that sets the plan's retention."""

    def keep(retention: Retention) -> None:
        def load(system: str) -> Plan:
            return replace(load_plan(system), backup=Backup(jobs=1, retention=retention))

        monkeypatch.setattr(cli, "load_plan", load)

    return keep


def test_a_key_encrypts_and_without_it_verify_is_refused(
    typed: Type, legacy: psycopg.Connection, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not legacy.closed
    monkeypatch.setenv("TRASPASO_BACKUP_KEY", key)
    code, answer = typed("create")
    assert (code, answer["backups"][0]["encrypted"]) == (0, True)
    assert typed("verify")[0] == 0
    monkeypatch.delenv("TRASPASO_BACKUP_KEY")
    code, answer = typed("verify")
    assert code == 3
    assert answer["status"] == "refused"
    assert "set TRASPASO_BACKUP_KEY" in answer["error"]["fix"]
    assert typed("list")[1]["backups"][0]["verified"] is True
    monkeypatch.setenv("TRASPASO_BACKUP_KEY", "corta")
    assert typed("create")[0] == 2


def test_prune_takes_what_to_keep_from_the_plan_and_shows_it_before(
    typed: Type,
    settings: Settings,
    legacy: psycopg.Connection,
    retention: Callable[[Retention], None],
) -> None:
    assert not legacy.closed
    code, answer = typed("prune", "--yes")
    assert (code, "--keep" in answer["error"]["message"]) == (2, True)
    plan = load_plan("tinkubot")
    made = sorted(
        (backup.create(settings, plan, 0) for _ in range(3)), key=lambda b: (b.created_at, b.id)
    )
    retention(Retention(count=1, days=30))
    assert typed("prune")[1]["deleted"] == []
    retention(Retention(count=1))
    code, answer = typed("prune")
    assert code == 3
    assert answer["deletes"] == [made[0].id, made[1].id]
    assert answer["error"]["fix"] == "traspaso backup tinkubot prune --yes"
    # Options say it instead of the plan.
    code, answer = typed("prune", "--keep", "2", "--yes")
    assert (code, answer["deleted"]) == (0, [made[0].id])
    code, answer = typed("prune", "--yes")
    assert (code, answer["deleted"]) == (0, [made[1].id])
    assert [each["id"] for each in answer["backups"]] == [made[2].id]


def test_one_table_is_put_back_or_beside(typed: Type, legacy: psycopg.Connection) -> None:
    made = typed("create")[1]["backups"][0]["id"]
    legacy.execute("delete from public.customers where id > 3")
    code, answer = typed("restore", made, "--table", "customers")
    assert code == 3
    assert answer["error"]["fix"].endswith(f"restore {made} --table customers --yes")
    code, answer = typed("restore", made, "--table", "customers", "--into", "revision")
    assert (code, answer["table"]["rows"], answer["table"]["schema"]) == (0, 50, "revision")
    assert legacy.execute("select count(*) from public.customers").fetchone() == (3,)
    assert typed("restore", made, "--table", "customers", "--yes")[0] == 0
    assert legacy.execute("select count(*) from public.customers").fetchone() == (50,)
    assert typed("restore", made, "--into", "revision", "--yes")[0] == 2


def test_a_list_is_given_while_s3_is_away(
    typed: Type, legacy: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not legacy.closed
    typed("create")
    code, answer = typed("upload")
    assert (code, "TRASPASO_BACKUP_S3" in answer["error"]["message"]) == (2, True)
    monkeypatch.setenv("TRASPASO_BACKUP_S3", "s3://respaldos/x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "prueba")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3creto-de-prueba")
    code, answer = typed("list")
    assert (code, len(answer["backups"])) == (0, 1)
    assert answer["backups"][0]["uploaded"] is None
    assert "AWS_ENDPOINT_URL" in answer["s3"]["fix"]
