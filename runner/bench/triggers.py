"""What the triggers of the change capture cost: the same writes without and with them, in turns.

On a server that waits for its disk, as the application's does, and once more with commits that are
not waited for: there a write costs least, and the triggers' share is greatest.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any
from uuid import uuid4

import psycopg

from runner import capture
from runner.bench.client import TABLES, Writable
from runner.bench.command import Traspaso
from runner.bench.figures import Spread, figure, ratios
from runner.console import Cell, Console
from runner.db import connect
from runner.plan import Plan, load_plan
from runner.sample import create_legacy
from runner.server import EmbeddedServer
from runner.settings import Settings

TABLE = "messages"

# A server of the tests waits for nothing.
DURABLE = {"fsync": "on", "full_page_writes": "on"}

_SYSTEM = "tinkubot"
_DATABASE = "disparadores"
_MESSAGES_PER_SCALE = 3000
_WRITES = 200
_MANY = 1000
# A new trigger's function is compiled, and statements planned anew: not counted.
_WARMING = 10
_WRITTEN = ("insert", "update", "delete")
_BULK = {
    f"insert of {_MANY:,}": "insert into public.messages (id, conversation_id, phone, message_type,"
    " content, processing_status) select gen_random_uuid(), gen_random_uuid(), '+59398', 'lote',"
    " 'texto ' || n, 'pending' from generate_series(1, %(many)s) as n",
    f"update of {_MANY:,}": "update public.messages set content = 'otro'"
    " where message_type = 'lote'",
    f"delete of {_MANY:,}": "delete from public.messages where message_type = 'lote'",
}


@dataclass(frozen=True)
class Way:
    """How the application writes: on how many connections, and whether it waits for the disk."""

    clients: int
    waits: bool

    def __str__(self) -> str:
        clients = "1 client" if self.clients == 1 else f"{self.clients} clients"
        return f"{clients}, {'' if self.waits else 'not '}waiting"


WAYS = (Way(1, waits=True), Way(4, waits=True), Way(1, waits=False), Way(4, waits=False))


@dataclass
class Pairs:
    """Seconds of one statement without the triggers and with them, pair by pair."""

    without: list[float] = field(default_factory=list)
    captured: list[float] = field(default_factory=list)


Measured = dict[str, Pairs]


def measure(
    settings: Settings,
    plan: Plan,
    *,
    pairs: int,
    writes: int = _WRITES,
    many: int = _MANY,
    ways: Sequence[Way] = WAYS,
) -> Measured:
    """Return the seconds of one statement, by way and statement.

    Each is a transaction of its own, on a database where phase 0 is done. The triggers are gone
    afterwards, and so are the rows.
    """
    found: Measured = {}
    url = settings.require_target()
    with ExitStack() as stack:
        conn = stack.enter_context(connect(url, autocommit=True))
        rounds = {str(way): stack.enter_context(_Round(url, way, writes, many)) for way in ways}
        for pair in range(pairs):
            # Who comes first is not always the same: the table grows, the machine has moods.
            for captured in (False, True) if pair % 2 else (True, False):
                if captured:
                    capture.install(conn, settings, plan, TABLE)
                try:
                    taken = {way: measured() for way, measured in rounds.items()}
                finally:
                    capture.remove(conn, settings, plan)
                    conn.execute("delete from traspaso.changes")
                    conn.execute("vacuum traspaso.changes, public.messages")
                for way, statements in taken.items():
                    for statement, seconds in statements.items():
                        both = found.setdefault(f"{way}: {statement}", Pairs())
                        (both.captured if captured else both.without).append(seconds)
    return found


class _Round:
    """The writes of one way; its connections are held, as a pool of the application holds them."""

    def __init__(self, url: str, way: Way, writes: int, many: int) -> None:
        self._url, self._way, self._writes, self._many = url, way, writes, many
        self._stack = ExitStack()

    def __enter__(self) -> Callable[[], Mapping[str, float]]:
        self._pool = self._stack.enter_context(ThreadPoolExecutor(self._way.clients))
        self._connections = [
            self._stack.enter_context(psycopg.connect(self._url, autocommit=True))
            for _ in range(self._way.clients)
        ]
        for conn in self._connections:
            conn.execute(f"set synchronous_commit = {'on' if self._way.waits else 'off'}".encode())
        return self._measure

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _measure(self) -> Mapping[str, float]:
        self._single(_WARMING)
        taken = self._single(self._writes)
        if self._way.clients == 1:
            self._bulk(_WARMING)
            taken |= self._bulk(self._many)
        return taken

    def _single(self, writes: int) -> dict[str, float]:
        """Write rows, change them, delete them; return the seconds of one statement of each."""
        table: Writable = TABLES[TABLE]
        of_client = [
            [{"id": uuid4(), "n": f"9{n:06}", "text": f"texto {n}"} for n in range(writes)]
            for _ in self._connections
        ]
        taken = {}
        for statement in _WRITTEN:
            text = getattr(table, statement).encode()

            def write(
                conn: psycopg.Connection, rows: list[dict[str, Any]], text: bytes = text
            ) -> float:
                began = time.perf_counter()
                for row in rows:
                    conn.execute(text, row, prepare=True)
                return (time.perf_counter() - began) / writes

            taken[statement] = fmean(self._pool.map(write, self._connections, of_client))
        return taken

    def _bulk(self, many: int) -> dict[str, float]:
        taken = {}
        for statement, text in _BULK.items():
            began = time.perf_counter()
            self._connections[0].execute(text.encode(), {"many": many})
            taken[statement] = time.perf_counter() - began
        return taken


def cost(measured: Measured) -> list[list[Cell]]:
    """Return the rows of the table: each statement without and with the triggers, in µs."""
    return [
        [
            statement,
            figure(Spread.of(pairs.without).median * 1_000_000),
            figure(Spread.of(pairs.captured).median * 1_000_000),
            *map(figure, vars(ratios(pairs.captured, pairs.without, Spread.middle)).values()),
        ]
        for statement, pairs in measured.items()
    ]


def bench(folder: Path, console: Console, *, messages: int, pairs: int) -> None:
    """Measure on a server of its own, and print."""
    server = EmbeddedServer(folder / "durable", settings=DURABLE)
    try:
        server.start()
        url = server.create_database(_DATABASE)
        with connect(url) as conn:
            scale = max(messages // _MESSAGES_PER_SCALE, 1)
            create_legacy(conn, scale=scale, dirt=0, messages=messages)
        Traspaso(url, folder)("run", _SYSTEM, "--phase", "0", "--ignore-window", "--yes")
        with connect(url, autocommit=True) as conn:
            conn.execute("vacuum analyze")
        with console.progress("triggers"):
            measured = measure(Settings(target_url=url), load_plan(_SYSTEM), pairs=pairs)
    finally:
        server.remove()
    console.line(
        "What the triggers of the change capture add to a statement on messages, by whether a "
        f"commit waits for the disk; microseconds, and ratios within {pairs} pairs with quartiles"
    )
    console.table(["", "without", "   with", "  ratio", "    25%", "    75%"], cost(measured))
