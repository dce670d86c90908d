"""What the application notices of the switch and of the way back: its slowest call."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from runner.bench.application import BASELINE, Application, Load, Watched, noticed
from runner.bench.client import Summary
from runner.bench.command import Traspaso
from runner.bench.switch_client import COUNTER, SPANISH, WRITTEN
from runner.console import Console, number
from runner.db import connect
from runner.errors import StepFailed
from runner.sample import create_legacy
from runner.server import EmbeddedServer

VIEWS, VALIDATE, BACK, AFTER = "views", "validate", "rollback 3", "tables again"

_SYSTEM = "tinkubot"
_DATABASE = "cambio"
_MESSAGES_PER_SCALE = 3000
_CLIENT = "runner.bench.switch_client"
_LONGEST_CALL = 2000.0
_SHOWN = 3


@dataclass
class Switched:
    """What the application noticed, in two lives: until after the switch, and from there on."""

    before: Watched
    after: Watched = field(default_factory=Watched)
    # How long a writer had to wait, as the switch itself says.
    writers_waited: str = ""
    pending: int = 0
    brought: int = 0
    aside: int = 0

    @property
    def calls(self) -> dict[str, Summary]:
        """All calls, by what went on."""
        return self.before.calls | self.after.calls

    def require(self, longest: float = _LONGEST_CALL) -> None:
        """Raise StepFailed where it saw an error, or waited for too long (milliseconds)."""
        Watched(self.calls).require(longest)


def watch(
    url: str, folder: Path, console: Console, load: Load, *, at_once: bool = False
) -> Switched:
    """Run phases 2 to 4 and go back to 3 while the application works; hold its writes against it.

    Phases 0 and 1 are done. `at_once`: by one command. Raises StepFailed where a phase or the
    proof fails, or where a write is not there that the application was told was committed.
    """
    traspaso = Traspaso(url, folder)
    phases = [("--through", "4")] if at_once else [("--phase", str(n)) for n in (2, 3, 4)]
    names = {"2": "2 masters", "3": "3 transactions", "4": "4 switch"}
    with Application(url, load, _CLIENT) as application:
        application.now(BASELINE)
        time.sleep(load.baseline_seconds)
        for which, phase in phases:
            name = names[phase] if which == "--phase" else "2 to 4"
            application.now(name)
            with console.progress(name):
                answer = traspaso("run", _SYSTEM, which, phase, "--ignore-window", "--yes")[0]
        application.now(VIEWS)
        time.sleep(load.baseline_seconds)
        application.now(VALIDATE)
        with console.progress(VALIDATE):
            proof = traspaso("validate", _SYSTEM)[0]
        found = Switched(application.end(), pending=proof["pending"])
    found.writers_waited = "; ".join(answer["phases"][-1]["notes"])
    with connect(url, autocommit=True) as conn:
        require_written(conn, [found.before], english=True, spanish=True)
    with Application(url, load, _CLIENT, "--first", "5") as application:
        application.now(f"{VIEWS} {SPANISH}")
        time.sleep(load.baseline_seconds)
        application.now(f"{BACK} {SPANISH}")
        with console.progress(BACK):
            back = traspaso("rollback", _SYSTEM, "--to", "3", "--yes")[0]
        application.now(AFTER)
        time.sleep(load.baseline_seconds)
        found.after = application.end()
    found.brought, found.aside = sum(back["brought"].values()), back["kept_aside"]
    # The second life changed none of the first one's rows.
    with connect(url, autocommit=True) as conn:
        require_written(conn, [found.before, found.after], english=True)
    return found


def require_written(
    conn: psycopg.Connection,
    lives: list[Watched],
    *,
    english: bool = False,
    spanish: bool = False,
) -> None:
    """Raise StepFailed where the rows are not exactly those that were committed."""
    for table, (column, target, other) in WRITTEN.items():
        wanted = {key: text for life in lives for key, text in life.rows[table].items()}
        if english:
            _require_texts(conn, table, column, wanted)
        if spanish:
            _require_texts(conn, target, other, wanted)
    counted = sum(life.counted for life in lives)
    counter = "select retry_count from public.task_queue where id = %s"
    row = conn.execute(counter, [COUNTER]).fetchone()
    if row != (counted,):
        raise StepFailed(
            f"{counted} transactions counted up what now is {row}", "look for an update that lost"
        )


def _require_texts(
    conn: psycopg.Connection, table: str, column: str, wanted: dict[str, str]
) -> None:
    query = sql.SQL("select id::text, {0} from {1} where {0} ~ '^(nuevo|otro) '")
    names = (sql.Identifier(column), sql.Identifier("public", table))
    found: dict[str, str] = dict(conn.execute(query.format(*names)).fetchall())
    if found != wanted:
        lost = [*(wanted.keys() - found.keys())]
        more = [*(found.keys() - wanted.keys())]
        other = [key for key, text in wanted.items() if found.get(key, text) != text]
        raise StepFailed(
            f"{table}: {len(lost)} writes lost, {len(more)} that nobody committed, "
            f"{len(other)} changed: {(lost + more + other)[:_SHOWN]}",
            "find out when they were written",
        )


@contextmanager
def _legacy(server: EmbeddedServer, messages: int) -> Iterator[tuple[str, int]]:
    url = server.create_database(_DATABASE)
    try:
        with connect(url) as conn:
            scale = max(messages // _MESSAGES_PER_SCALE, 1)
            rows = create_legacy(conn, scale=scale, dirt=0, messages=messages)
        with connect(url, autocommit=True) as conn:
            conn.execute("vacuum analyze")
        yield url, sum(rows.values())
    finally:
        server.drop_database(_DATABASE)


def bench(
    server: EmbeddedServer, folder: Path, console: Console, *, messages: int, load: Load
) -> None:
    """Measure and print. Raises StepFailed where the application lost a write or saw an error."""
    with _legacy(server, messages) as (url, rows):
        Traspaso(url, folder)("run", _SYSTEM, "--through", "1", "--ignore-window", "--yes")
        found = watch(url, folder, console, load)
        Traspaso(url, folder)("rollback", _SYSTEM, "--to", "0", "--yes")
    pace = f"{load.rate:g} calls a second" if load.rate else "as fast as it can"
    console.line(
        f"The switch, {number(rows)} legacy rows; the application on {load.connections} "
        f"connections, {pace}; milliseconds"
    )
    columns = ["", "calls", "errors", " median", "   99 %", "slowest", "what"]
    console.table(columns, noticed(found.calls))
    console.line(found.writers_waited)
    paces = [
        f"{name} {found.calls[name].pace(load.baseline_seconds):,.0f}"
        for name in (BASELINE, VIEWS, f"{VIEWS} {SPANISH}", AFTER)
    ]
    console.line(f"calls a second: {', '.join(paces)}")
    console.line(
        f"every write is there; validate passed, {number(found.pending)} rows pending; the way "
        f"back brought {number(found.brought)} rows, {found.aside} kept aside"
    )
    found.require()
