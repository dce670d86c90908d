"""What the triggers of the change capture cost: the same writes without and with them, in turns.

On a server that waits for its disk, as the application's does, and once more with commits that are
not waited for: there a write costs least, and the triggers' share is greatest.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import psycopg

from runner import capture
from runner.bench.client import TABLES, Writable
from runner.bench.command import Traspaso
from runner.bench.figures import Spread, figure, ratios
from runner.console import Cell, Console
from runner.db import connect, sql_text
from runner.plan import Plan, load_plan
from runner.sample import create_legacy
from runner.server import EmbeddedServer
from runner.settings import Settings

TABLE = "messages"

# A server of the tests waits for nothing.
DURABLE = {"fsync": "on", "full_page_writes": "on"}

_SYSTEM = "tinkubot"
_DATABASE = "disparadores"
_COPY = "copia"
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
    """Return the median seconds of one statement, by way and statement, of each pair of rounds.

    Each is a transaction of its own, on a database where phase 0 is done. Of two like tables one
    is captured, and each write is made to both before the next: what the machine does besides
    meets them alike. Who is first changes with each pair, and the tables their places with every
    two. The triggers are gone afterwards, and so are the rows and the copy.
    """
    found: Measured = {}
    url = settings.require_target()
    both = (settings, replace(settings, legacy_schema=_COPY))
    with ExitStack() as stack:
        conn = stack.enter_context(connect(url, autocommit=True))
        conn.execute(sql_text("bench/copy_messages.sql"))
        stack.callback(conn.execute, f"drop schema {_COPY} cascade".encode())
        rounds = {str(way): stack.enter_context(_Round(url, way, writes, many)) for way in ways}
        for pair in range(pairs):
            captured, without = both if pair // 2 % 2 else reversed(both)
            capture.install(conn, captured, plan, TABLE)
            try:
                for way, measured in rounds.items():
                    taken = measured(captured.legacy_schema, without.legacy_schema)
                    for statement, (with_it, without_it) in taken.items():
                        seconds = found.setdefault(f"{way}: {statement}", Pairs())
                        seconds.captured.append(with_it)
                        seconds.without.append(without_it)
            finally:
                capture.remove(conn, captured, plan)
                conn.execute("delete from traspaso.changes")
                conn.execute("vacuum traspaso.changes, public.messages, copia.messages")
    return found


Taken = Mapping[str, tuple[float, float]]


class _Round:
    """The writes of one way; its connections are held, as a pool of the application holds them."""

    def __init__(self, url: str, way: Way, writes: int, many: int) -> None:
        self._url, self._way, self._writes, self._many = url, way, writes, many
        self._stack = ExitStack()
        self._turn = 0

    def __enter__(self) -> Callable[[str, str], Taken]:
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

    def _measure(self, *schemas: str) -> Taken:
        self._turn += 1
        self._single(schemas, _WARMING)
        taken = self._single(schemas, self._writes)
        if self._way.clients == 1:
            self._bulk(schemas, _WARMING)
            taken |= self._bulk(schemas, self._many)
        return taken

    def _single(self, schemas: Sequence[str], writes: int) -> dict[str, tuple[float, float]]:
        """Write rows, change them, delete them; return the seconds of one statement of each."""
        table: Writable = TABLES[TABLE]
        of_client = [
            [{"id": uuid4(), "n": f"9{n:06}", "text": f"texto {n}"} for n in range(writes)]
            for _ in self._connections
        ]
        taken = {}
        for statement in _WRITTEN:
            texts = [_in(schema, getattr(table, statement)) for schema in schemas]
            seconds = self._pool.map(_write, self._connections, of_client, [texts] * writes)
            with_it, without_it = (chain(*each) for each in zip(*seconds, strict=True))
            taken[statement] = (median(with_it), median(without_it))
        return taken

    def _bulk(self, schemas: Sequence[str], many: int) -> dict[str, tuple[float, float]]:
        taken = {}
        for statement, text in _BULK.items():
            texts = [_in(schema, text) for schema in schemas]
            (first,), (second,) = _write(self._connections[0], [{"many": many}], texts, self._turn)
            taken[statement] = (first, second)
        return taken


def _in(schema: str, statement: str) -> bytes:
    return statement.replace("public.", f"{schema}.").encode()


def _write(
    conn: psycopg.Connection,
    rows: Sequence[Mapping[str, Any]],
    texts: Sequence[bytes],
    turn: int = 0,
) -> tuple[list[float], list[float]]:
    """Say both statements for each row, in turns who is first; return the seconds of each."""
    taken: tuple[list[float], list[float]] = ([], [])
    for n, row in enumerate(rows, turn):
        for which in (0, 1) if n % 2 else (1, 0):
            began = time.perf_counter()
            conn.execute(texts[which], row, prepare=True)
            taken[which].append(time.perf_counter() - began)
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
