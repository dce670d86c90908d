"""The application, as far as the database sees it: a process that writes and reads until stopped.

`python -m runner.bench.client URL`. Each line on its standard input names what begins now, and
the calls that begin after it count under that name; the end of the input ends it. Then it prints
one JSON object: `calls`, by name, and `rows`, what its committed writes left in each table.
"""

import json
import random
import sys
import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from math import ceil
from statistics import median
from typing import Any
from uuid import uuid4

import click
import psycopg

Row = dict[str, Any]

# Rows of its own in each table; from then on one goes for each that comes.
_KEPT = 300
_SHOWN_ERRORS = 5


@dataclass(frozen=True)
class Writable:
    """A legacy table, and the statements that a row of it goes through."""

    insert: str
    update: str
    delete: str
    select: str


# Telephones that the sample does not have: none of these rows is merged into another.
TABLES = {
    "users": Writable(
        "insert into public.users (id, phone_number, name, user_type, status, city)"
        " values (%(id)s, '+59398' || %(n)s, 'Zoé', 'provider', 'active', %(text)s)",
        "update public.users set city = %(text)s, updated_at = now() where id = %(id)s",
        "delete from public.users where id = %(id)s",
        "select city from public.users where id = %(id)s",
    ),
    "customers": Writable(
        "insert into public.customers (id, phone_number, full_name)"
        " values (%(id)s, '+59397' || %(n)s, %(text)s)",
        "update public.customers set full_name = %(text)s where id = %(id)s",
        "delete from public.customers where id = %(id)s",
        "select full_name from public.customers where phone_number = '+59397' || %(n)s",
    ),
    "messages": Writable(
        "insert into public.messages (id, conversation_id, phone, message_type, content,"
        " processing_status)"
        " values (%(id)s, %(id)s, '+59398' || %(n)s, 'text', %(text)s, 'pending')",
        "update public.messages set content = %(text)s where id = %(id)s",
        "delete from public.messages where id = %(id)s",
        "select content from public.messages where id = %(id)s",
    ),
}


@dataclass(frozen=True)
class Summary:
    """All calls under one name; times in milliseconds."""

    calls: int
    errors: int
    median: float
    p99: float
    slowest: float
    statement: str
    messages: list[str] = field(default_factory=list)

    def pace(self, seconds: float) -> float:
        """Return the calls a second, of those that so many seconds had."""
        return self.calls / seconds


def percentile(values: Sequence[float], share: float) -> float:
    """Return the least of the values that `share` per cent of them do not exceed."""
    ordered = sorted(values)
    return ordered[ceil(len(ordered) * share / 100) - 1]


@dataclass
class Tally:
    """The calls under one name; no object for each, or Python's garbage collector would pause."""

    seconds: "array[float]" = field(default_factory=lambda: array("d"))
    slowest: float = 0
    statement: str = ""
    errors: Counter[str] = field(default_factory=Counter)

    def add(self, statement: str, seconds: float, error: str | None = None) -> None:
        """Count a call."""
        self.seconds.append(seconds)
        if seconds > self.slowest:
            self.slowest, self.statement = seconds, statement
        if error is not None:
            self.errors[error] += 1


Tallies = dict[str, Tally]


def summarize(tallies: Iterable[Tallies]) -> dict[str, Summary]:
    """Sum up the calls of several connections under each name, in the order of the names."""
    merged: dict[str, list[Tally]] = {}
    for each in tallies:
        for name, tally in each.items():
            merged.setdefault(name, []).append(tally)
    return {name: _summary(found) for name, found in merged.items()}


def _summary(found: Sequence[Tally]) -> Summary:
    times = [seconds * 1000 for tally in found for seconds in tally.seconds]
    slowest = max(found, key=lambda tally: tally.slowest)
    errors = sum((tally.errors for tally in found), Counter[str]())
    return Summary(
        calls=len(times),
        errors=errors.total(),
        median=median(times),
        p99=percentile(times, 99),
        slowest=slowest.slowest * 1000,
        statement=slowest.statement,
        messages=[*errors][:_SHOWN_ERRORS],
    )


class Client:
    """One connection's share of the application: its rows are its own."""

    def __init__(self, url: str, number: int, name: Callable[[], str], pause: float) -> None:
        self.tallies: Tallies = {}
        self.rows: dict[str, dict[str, str]] = {table: {} for table in TABLES}
        self._url = url
        self._name = name
        self._pause = pause
        self._random = random.Random(number)  # noqa: S311  # chooses rows, keeps no secret
        self._numbers = (f"{number}{n:06}" for n in count())
        self._keys: dict[str, list[tuple[str, str]]] = {table: [] for table in TABLES}

    def work(self, stop: threading.Event) -> None:
        """Write and read until told to stop."""
        with psycopg.connect(self._url, autocommit=True, application_name="application") as conn:
            for table, statement, row in self._life():
                if stop.is_set():
                    return
                if self._call(conn, table, statement, row):
                    self._note(table, statement, row)
                elif conn.closed:
                    return
                if self._pause:
                    stop.wait(self._pause)

    def _life(self) -> Iterator[tuple[str, str, Row]]:
        """Say what to do next, table after table; a row that is written is kept for a while."""
        for turn in count():
            for table, keys in self._keys.items():
                row: Row = {"id": str(uuid4()), "n": next(self._numbers), "text": f"nuevo {turn}"}
                yield table, "insert", row
                keys.append((row["id"], row["n"]))
                old = self._random.choice(keys)
                yield table, "update", {"id": old[0], "text": f"otro {turn}"}
                yield table, "select", {"id": old[0], "n": old[1]}
                if len(keys) > _KEPT or self._random.random() < 0.1:  # noqa: PLR2004
                    gone = keys.pop(self._random.randrange(len(keys)))
                    yield table, "delete", {"id": gone[0]}

    def _call(self, conn: psycopg.Connection, table: str, statement: str, row: Row) -> bool:
        text = getattr(TABLES[table], statement)
        name, began, error = self._name(), time.monotonic(), None
        try:
            conn.execute(text, row)
        except psycopg.Error as failed:
            error = f"{type(failed).__name__}: {failed}"
        seconds = time.monotonic() - began
        self.tallies.setdefault(name, Tally()).add(f"{statement} {table}", seconds, error)
        return error is None

    def _note(self, table: str, statement: str, row: Row) -> None:
        if statement == "delete":
            self.rows[table].pop(row["id"], None)
        elif statement == "insert" or (statement == "update" and row["id"] in self.rows[table]):
            self.rows[table][row["id"]] = row["text"]


def run(url: str, connections: int, rate: float, lines: Iterator[str]) -> Mapping[str, Any]:
    """Work on several connections while names come; return the answer."""
    current = next(lines, "").strip()
    stop = threading.Event()
    pause = connections / rate if rate else 0
    clients = [Client(url, number, lambda: current, pause) for number in range(connections)]
    threads = [threading.Thread(target=client.work, args=(stop,)) for client in clients]
    for thread in threads:
        thread.start()
    for line in lines:
        current = line.strip()
    stop.set()
    for thread in threads:
        thread.join()
    calls = summarize(client.tallies for client in clients)
    return {
        "calls": {name: asdict(found) for name, found in calls.items()},
        "rows": {
            table: {key: text for client in clients for key, text in client.rows[table].items()}
            for table in TABLES
        },
    }


@click.command()
@click.argument("url")
@click.option("--connections", type=click.IntRange(1, 9), default=1)
@click.option("--rate", type=click.FloatRange(0), default=0)
def main(url: str, connections: int, rate: float) -> None:
    """Write and read the legacy tables until the input ends."""
    json.dump(run(url, connections, rate, iter(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
