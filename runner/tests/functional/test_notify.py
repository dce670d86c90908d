"""Hooks of the plan: real commands, a real web server, and phases that they cannot hurt."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from runner import __version__, cli, state
from runner.console import Console
from runner.db import connect
from runner.notify import Notifier
from runner.plan import Notification, Plan, load_plan
from runner.server import PgServer
from runner.settings import PROJECT_DIR, Settings
from runner.tests.functional.helpers.tinkubot_cases import (
    RUN,
    create_empty_legacy,
    new_database,
    traspaso,
)

pytestmark = pytest.mark.newest

EVENTS = ("start", "end", "failure", "refusal", "rollback")
SECRET = "s3creto-de-prueba"
KEYS = {
    "event", "system", "title", "phase", "name", "status", "run_id", "operator", "host", "database",
    "started_at", "finished_at", "seconds", "rows", "message", "fix", "next", "version",
}  # fmt: skip


class Web:
    """A web server on loopback that keeps what is posted to it, and answers as it is told."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.status = 204
        self.delay = 0.0
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                web.paths.append(self.path)
                web.posts.append(json.loads(body))
                time.sleep(web.delay)
                self.send_response(web.status)
                if web.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/{SECRET}?token={SECRET}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def events(self) -> list[tuple[str, int | None, str]]:
        return [(post["event"], post["phase"], post["status"]) for post in self.posts]


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    yield web
    web.server.shutdown()
    web.server.server_close()


@pytest.fixture
def nowhere(tmp_path: Path) -> Settings:
    """Give settings that name a database which nobody asks."""
    return Settings(
        target_url=f"postgresql://ana:{SECRET}@db.example/tinku", backup_dir=tmp_path,
        backup_key="llave-de-prueba",
    )  # fmt: skip


def notifier(settings: Settings, *hooks: Notification) -> tuple[Notifier, StringIO]:
    said = StringIO()
    plan = replace(load_plan("tinkubot"), notifications=hooks)
    return Notifier(plan, settings, Console(stderr=said)), said


def script(path: Path, body: str) -> tuple[str, ...]:
    """Write a Python program, and return the command that runs it."""
    path.write_text(body)
    return (sys.executable, str(path))


# --- what is told -------------------------------------------------------------------------------


def test_a_command_and_a_webhook_get_the_same_summary(
    nowhere: Settings, web: Web, tmp_path: Path
) -> None:
    told = tmp_path / "told.json"
    command = ("tee", str(told))
    both, said = notifier(
        nowhere, Notification(EVENTS, command=command), Notification(("end",), webhook=web.url)
    )
    began = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    complaints = both.tell(
        "end", phase=2, name="masters", status="succeeded", run_id="r-1", started_at=began,
        finished_at=began + timedelta(seconds=90.5), rows=12,
        message=f"see postgresql://ana:{SECRET}@db.example/tinku", next="traspaso …",
    )  # fmt: skip
    assert (complaints, said.getvalue()) == ([], "")
    (posted,) = web.posts
    assert json.loads(told.read_text()) == posted
    assert set(posted) == KEYS
    assert posted["seconds"] == 90.5
    assert posted["started_at"] == "2026-01-02T03:04:05+00:00"
    assert posted["database"] == "postgresql://ana@db.example/tinku"
    assert (posted["title"], posted["version"]) == ("TinkuBot", __version__)
    assert posted["host"] == socket.gethostname()
    assert posted["fix"] is None
    assert SECRET not in told.read_text()


def test_only_the_events_that_a_hook_names_are_told(nowhere: Settings, web: Web) -> None:
    both, _ = notifier(nowhere, Notification(("failure", "refusal"), webhook=web.url))
    for event in EVENTS:
        both.tell(event, status="x")  # type: ignore[arg-type]
    assert [event for event, *_ in web.events] == ["failure", "refusal"]


def test_a_webhook_may_be_named_by_a_variable(
    nowhere: Settings, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, said = notifier(nowhere, Notification(EVENTS, webhook_env="AVISOS"))
    monkeypatch.delenv("AVISOS", raising=False)
    problem = "the webhook of AVISOS was not told of the start: the variable is not set"
    assert hook.tell("start") == [problem]
    assert said.getvalue() == f"{problem}\n"
    monkeypatch.setenv("AVISOS", web.url)
    assert hook.tell("start") == []
    assert web.paths == [f"/{SECRET}?token={SECRET}"]
    monkeypatch.setenv("AVISOS", f"file:///{SECRET}")
    assert hook.tell("start") == [
        "the webhook of AVISOS was not told of the start: it is no URL of the web"
    ]


def test_a_command_gets_no_secret(
    nowhere: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "environment"
    kept = {"PATH": os.environ["PATH"], "HOME": "/home/ana", "AWS_REGION": "x", "CANAL": "noche"}
    dropped = {
        "TRASPASO_TARGET_URL": "u", "TRASPASO_LEGACY_URL": "u", "TRASPASO_BACKUP_KEY": "k",
        "PGPASSWORD": "p", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t", "AVISOS": "u",
        "DATABASE_URL": f"postgresql://otra:{SECRET}@otro/db", "COPIA": "llave-de-prueba",
    }  # fmt: skip
    for name, value in (kept | dropped).items():
        monkeypatch.setenv(name, value)
    hook, _ = notifier(
        nowhere,
        Notification(("start",), command=("sh", "-c", f"cat >/dev/null; env > {out}")),
        Notification(("end",), webhook_env="AVISOS"),
    )
    assert hook.tell("start") == []
    found = dict(line.split("=", 1) for line in out.read_text().splitlines() if "=" in line)
    assert {name: found.get(name) for name in kept} == kept
    assert not set(dropped) & set(found)


# --- hooks that fail ----------------------------------------------------------------------------


COMMANDS: dict[str, tuple[tuple[str, ...], str]] = {
    "exit code": (("sh", "-c", "exit 7"), "exit code 7"),
    "signal": (("sh", "-c", "kill -9 $$"), "it was ended by signal 9"),
    "not found": (("/no/such/hook",), "No such file or directory"),
    "no program": (("/etc",), "Permission denied"),
    "null byte": (("tee", "a\0b"), "it cannot be started"),
    "too slow": (("sleep", "60"), "it was ended after 1 s"),
    "deaf to signals": (("sh", "-c", "trap '' TERM INT HUP; sleep 60"), "it was ended after 1 s"),
}


@pytest.mark.parametrize("case", COMMANDS)
def test_a_command_that_fails_is_one_line(nowhere: Settings, case: str) -> None:
    command, problem = COMMANDS[case]
    hook, said = notifier(nowhere, Notification(EVENTS, command=command, timeout_seconds=1))
    began = time.monotonic()
    line = f"the command {command[0]} was not told of the failure: {problem}"
    assert hook.tell("failure", message="x") == [line]
    assert time.monotonic() - began < 2.5
    assert said.getvalue() == f"{line}\n"


def test_a_command_that_floods_or_does_not_read_is_no_failure(nowhere: Settings) -> None:
    flood = ("sh", "-c", "head -c 50000000 /dev/zero; head -c 50000000 /dev/zero >&2")
    deaf = ("true",)
    hook, _ = notifier(
        nowhere, Notification(EVENTS, command=flood), Notification(EVENTS, command=deaf)
    )
    assert hook.tell("end", message="x" * 1_000_000) == []


def test_a_child_that_keeps_the_pipes_open_holds_nothing_up(
    nowhere: Settings, tmp_path: Path
) -> None:
    left = tmp_path / "pid"
    hook, _ = notifier(
        nowhere,
        Notification(EVENTS, command=("sh", "-c", f"sleep 60 & echo $! > {left}"),
                     timeout_seconds=20),
    )  # fmt: skip
    began = time.monotonic()
    assert hook.tell("end") == []
    assert time.monotonic() - began < 5
    psutil.Process(int(left.read_text())).kill()


def test_what_a_slow_command_started_is_ended_with_it(nowhere: Settings, tmp_path: Path) -> None:
    body = f"""
import os, subprocess, time
same = subprocess.Popen(["sleep", "61"])
other = subprocess.Popen(["sleep", "62"], start_new_session=True)
# Nobody's child any more, but of the same group.
leave = "sleep 63 >/dev/null 2>&1 & echo $!"
orphan = subprocess.run(["sh", "-c", leave], capture_output=True).stdout
pids = [os.getpid(), same.pid, other.pid, int(orphan)]
open({str(tmp_path / "pids")!r}, "w").write(" ".join(map(str, pids)))
time.sleep(60)
"""
    hook, _ = notifier(
        nowhere,
        Notification(EVENTS, command=script(tmp_path / "hook.py", body), timeout_seconds=2),
    )
    assert len(hook.tell("end")) == 1
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 4
    deadline = time.monotonic() + 5
    while any(map(is_alive, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_refuses_is_one_line_without_its_path(
    nowhere: Settings, web: Web, status: int
) -> None:
    web.status = status
    hook, said = notifier(nowhere, Notification(EVENTS, webhook=web.url))
    line = f"the webhook http://127.0.0.1 was not told of the end: HTTP {status}"
    assert hook.tell("end") == [line]
    assert said.getvalue() == f"{line}\n"
    assert len(web.posts) == 1


def test_a_webhook_that_does_not_answer_is_given_up(nowhere: Settings, web: Web) -> None:
    web.delay = 5
    hook, said = notifier(nowhere, Notification(EVENTS, webhook=web.url, timeout_seconds=1))
    began = time.monotonic()
    (problem,) = hook.tell("end")
    assert time.monotonic() - began < 2.5
    assert problem.endswith("no answer within 1 s")
    assert SECRET not in said.getvalue()


def test_a_webhook_that_nobody_serves_cannot_be_reached(nowhere: Settings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    hook, _ = notifier(
        nowhere, Notification(EVENTS, webhook=f"http://ana:{SECRET}@127.0.0.1:{port}/{SECRET}")
    )
    assert hook.tell("end") == [
        "the webhook http://127.0.0.1 was not told of the end: it cannot be reached"
    ]


def test_a_webhook_without_a_trusted_certificate_is_not_told(nowhere: Settings, web: Web) -> None:
    # It speaks no TLS at all: the same to a client that insists on it.
    hook, said = notifier(nowhere, Notification(EVENTS, webhook=web.url.replace("http:", "https:")))
    (problem,) = hook.tell("end")
    assert problem.startswith("the webhook https://127.0.0.1 was not told of the end: ")
    assert SECRET not in said.getvalue()
    assert web.posts == []


def test_a_webhook_whose_url_is_nonsense_is_one_line(nowhere: Settings) -> None:
    hook, said = notifier(nowhere, Notification(EVENTS, webhook="http://[::1/x"))
    (problem,) = hook.tell("end")
    assert "was not told of the end: " in problem
    assert said.getvalue().count("\n") == 1


def test_a_plan_without_webhooks_does_not_import_requests() -> None:
    code = "import sys; from runner import commands; assert 'requests' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT_DIR)


def test_slow_hooks_are_waited_for_together(nowhere: Settings) -> None:
    slow = Notification(EVENTS, command=("sleep", "60"), timeout_seconds=1)
    hook, _ = notifier(nowhere, slow, slow, slow)
    began = time.monotonic()
    assert len(hook.tell("end")) == 3
    assert time.monotonic() - began < 2.5


# --- through the command line -------------------------------------------------------------------


@pytest.fixture
def empty(pg: PgServer, tmp_path: Path) -> Iterator[Settings]:
    with new_database(pg, "avisos", tmp_path / "respaldo") as plain:
        with psycopg.connect(plain.require_target(), autocommit=True) as conn:
            create_empty_legacy(conn)
        url = plain.require_target().replace("postgres@", f"postgres:{SECRET}@")
        yield replace(plain, target_url=url)


def use(monkeypatch: pytest.MonkeyPatch, *hooks: Notification, **changes: Any) -> Plan:
    plan = replace(load_plan("tinkubot"), notifications=hooks, **changes)
    monkeypatch.setattr(cli, "load_plan", lambda _: plan)
    return plan


def test_every_phase_and_its_way_back_are_told(
    empty: Settings, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Notification(EVENTS, command=("false",))
    use(monkeypatch, Notification(EVENTS, webhook=web.url), broken)
    answer = traspaso(empty, *RUN)
    assert answer.code == 0
    assert web.events == [
        (event, phase, status)
        for phase in range(4)
        for event, status in (("start", "running"), ("end", "succeeded"))
    ]
    run_id = answer.json["run_id"]
    assert {post["run_id"] for post in web.posts} == {run_id}
    assert "verified by restoring it" in web.posts[1]["message"]
    assert web.posts[-1]["next"] == "traspaso run tinkubot --phase 4"
    assert web.posts[3]["next"] == "traspaso run tinkubot --phase 2"
    assert all(post["seconds"] > 0 for post in web.posts if post["event"] == "end")
    # What failed is told, and nothing else came of it.
    complaint = "the command false was not told of the end: exit code 1"
    assert all(complaint in phase["notes"] for phase in answer.json["phases"])
    assert complaint in answer.stderr

    web.posts.clear()
    assert traspaso(empty, "rollback", "tinkubot", "--to", "1", "--yes").code == 0
    assert web.events == [("rollback", 1, "succeeded")]
    assert SECRET not in json.dumps(web.posts)


def test_a_failure_is_told_with_its_phase_and_its_fix(
    empty: Settings, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Notification(EVENTS, webhook=web.url))
    assert traspaso(empty, "run", "tinkubot", "--phase", "0", "--ignore-window").code == 0
    web.posts.clear()
    with psycopg.connect(empty.require_target(), autocommit=True) as conn:
        # A name that phase 1 cannot create, found by nobody before.
        conn.execute(
            "create function public.stop() returns event_trigger language plpgsql as"
            " $body$ begin raise exception 'no new tables here'; end $body$"
        )
        conn.execute("create event trigger stop on ddl_command_start when tag in ('CREATE TABLE')"
                     " execute function public.stop()")  # fmt: skip
        answer = traspaso(empty, "run", "tinkubot", "--phase", "1", "--yes", "--ignore-window")
        conn.execute("drop event trigger stop")
    assert answer.code == 1
    (failure,) = [post for post in web.posts if post["event"] == "failure"]
    assert (failure["status"], failure["database"].count(SECRET)) == ("failed", 0)
    assert failure["message"] == answer.json["error"]["message"]
    assert failure["fix"] == answer.json["error"]["fix"]
    assert failure["run_id"] == answer.json["run_id"]


def test_refusals_are_told_before_any_run_has_begun(
    empty: Settings, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = load_plan("tinkubot")
    now = datetime.now(plan.window.timezone)
    opens, closes = (now + timedelta(hours=hours) for hours in (2, 3))
    closed = replace(plan.window, opens=opens.time(), closes=closes.time())
    use(monkeypatch, Notification(("refusal",), webhook=web.url), window=closed)
    assert traspaso(empty, "run", "tinkubot", "--phase", "0").code == 3
    with (
        connect(empty.require_target(), autocommit=True) as conn,
        state.operator_lock(conn, "tinkubot"),
    ):
        assert traspaso(empty, "run", "tinkubot", "--phase", "0", "--ignore-window").code == 3
    answer = traspaso(empty, "run", "tinkubot", "--phase", "2", "--yes", "--ignore-window")
    assert answer.code == 3
    assert web.events == [("refusal", 0, "refused"), ("refusal", 0, "refused"),
                          ("refusal", 2, "refused")]  # fmt: skip
    assert [post["run_id"] for post in web.posts] == [None, None, None]
    assert "is closed" in web.posts[0]["message"]
    assert "another operator" in web.posts[1]["message"]
    assert web.posts[2]["fix"] == "traspaso run tinkubot --phase 0"
