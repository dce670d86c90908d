"""The application at the switch: autocommit, transactions, row locks, English and Spanish names.

`python -m runner.bench.switch_client URL`. Each line on its standard input names what begins now;
after a name that ends in `+ es` it writes by the Spanish names too. The end of the input ends it.
Then it prints one JSON object like the client's, with `rows` of every table and `counted`, how
often a row that all connections share was counted up.
"""

import json
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from itertools import count
from typing import Any
from uuid import uuid4

import click
import psycopg

from runner.bench.client import TABLES, Row, Tallies, Tally, Writable, summarize

SPANISH = "+ es"

ENGLISH = TABLES | {
    "sessions": Writable(
        "insert into public.sessions (id, user_id, session_id, status, qr_code)"
        " values (%(id)s, %(owner)s, %(n)s, 'active', %(text)s)",
        "update public.sessions set qr_code = %(text)s, last_activity = now() where id = %(id)s",
        "delete from public.sessions where id = %(id)s",
        "select * from public.sessions where id = %(id)s",
    ),
    "task_queue": Writable(
        "insert into public.task_queue (id, task_type, payload, scheduled_at, error_message)"
        " values (%(id)s, 'reminder', '{}', now(), %(text)s) returning status, retry_count",
        "update public.task_queue set error_message = %(text)s, status = 'completed'"
        " where id = %(id)s returning id, status, error_message",
        "delete from public.task_queue where id = %(id)s",
        "select * from public.task_queue where id = %(id)s",
    ),
    "provider_services": Writable(
        "insert into public.provider_services (id, provider_id, title, description, price_type)"
        " values (%(id)s, %(owner)s, 'Pintar', %(text)s, 'fixed')",
        "update public.provider_services set description = %(text)s where id = %(id)s",
        "delete from public.provider_services where id = %(id)s",
        "select * from public.provider_services where id = %(id)s",
    ),
}

# The same rows by their Spanish names; those of `sessions` have no English form by themselves.
OTHER_NAMES = {
    "users": Writable(
        "insert into public.proveedores (id, telefono, nombre, estado, ciudad)"
        " values (%(id)s, '+59398' || %(n)s, 'Zoé', 'activo', %(text)s)",
        "update public.proveedores set ciudad = %(text)s where id = %(id)s",
        "delete from public.proveedores where id = %(id)s",
        "select * from public.proveedores where id = %(id)s",
    ),
    "customers": Writable(
        "insert into public.clientes (id, telefono, nombre_completo)"
        " values (%(id)s, '+59397' || %(n)s, %(text)s)",
        "update public.clientes set nombre_completo = %(text)s where id = %(id)s",
        "delete from public.clientes where id = %(id)s",
        "select * from public.clientes where id = %(id)s",
    ),
    "messages": Writable(
        "insert into public.mensajes (id, telefono, tipo_mensaje, contenido, estado_procesamiento)"
        " values (%(id)s, '+59398' || %(n)s, 'texto', %(text)s, 'pendiente')",
        "update public.mensajes set contenido = %(text)s where id = %(id)s",
        "delete from public.mensajes where id = %(id)s",
        "select * from public.mensajes where id = %(id)s",
    ),
    "task_queue": Writable(
        "insert into public.tareas_programadas (id, tipo_tarea, payload, programada_at,"
        " mensaje_error) values (%(id)s, 'recordatorio', '{}', now(), %(text)s)",
        "update public.tareas_programadas set mensaje_error = %(text)s where id = %(id)s",
        "delete from public.tareas_programadas where id = %(id)s",
        "select * from public.tareas_programadas where id = %(id)s",
    ),
    "provider_services": Writable(
        "insert into public.servicios_proveedor (id, proveedor_id, titulo, descripcion)"
        " values (%(id)s, %(owner)s, 'Pintar', %(text)s)",
        "update public.servicios_proveedor set descripcion = %(text)s where id = %(id)s",
        "delete from public.servicios_proveedor where id = %(id)s",
        "select * from public.servicios_proveedor where id = %(id)s",
    ),
}

# What a written text is called under its legacy name, and where it goes.
WRITTEN = {
    "users": ("city", "proveedores", "ciudad"),
    "customers": ("full_name", "clientes", "nombre_completo"),
    "messages": ("content", "mensajes", "contenido"),
    "sessions": ("qr_code", "sesiones", "codigo_qr"),
    "task_queue": ("error_message", "tareas_programadas", "mensaje_error"),
    "provider_services": ("description", "servicios_proveedor", "descripcion"),
}

_KEPT = 60
# The row of task_queue that all count up, each by what it has read under a row lock.
COUNTER = "00000000-0000-4000-8000-00000000c0de"
_MAKE_COUNTER = (
    "insert into public.task_queue (id, task_type, payload, scheduled_at, retry_count)"
    " select %s, 'reminder', '{}', now(), 0"
    " where not exists (select 1 from public.task_queue where id = %s)"
)
_READ_COUNTER = "select retry_count from public.task_queue where id = %s for update"
_COUNT = "update public.task_queue set retry_count = %s where id = %s"
# Whether the Spanish tables are the ones that count; it stays so as long as one is locked.
_IS_SWITCHED = (
    "select relkind = 'v' from pg_catalog.pg_class where oid = 'public.messages'::regclass"
)


class _StopError(Exception):
    """The connection is of no use any more."""


class SwitchClient:
    """One connection's share of the application: but for the counter its rows are its own."""

    def __init__(self, url: str, number: int, name: Callable[[], str], pause: float) -> None:
        self.tallies: Tallies = {}
        self.rows: dict[str, dict[str, str]] = {table: {} for table in ENGLISH}
        self.counted = 0
        self._url = url
        self._name = name
        self._pause = pause
        self._stop = threading.Event()
        self._random = random.Random(number)  # noqa: S311  # chooses rows, keeps no secret
        self._numbers = (f"{number}{n:06}" for n in count())
        self._owner = str(uuid4())
        self._turn = 0

    def work(self, stop: threading.Event) -> None:
        """Write and read until told to stop."""
        self._stop = stop
        ways = (self._alone, self._together, self._backwards, self._count, self._undo)
        with (
            suppress(_StopError),
            psycopg.connect(
                self._url,
                autocommit=True,
                application_name="application",
                options="-c datestyle=ISO",
            ) as conn,
        ):
            owner: Row = {"id": self._owner, "n": next(self._numbers), "text": "nuevo 0"}
            if self._call(conn, "insert", "users", ENGLISH["users"].insert, owner):
                self.rows["users"][self._owner] = owner["text"]
            for self._turn in count(1):
                for way in ways:
                    way(conn)
                if self._name().endswith(SPANISH):
                    self._by_other_names(conn)

    # --- ways to write ----------------------------------------------------------------------------

    def _alone(self, conn: psycopg.Connection) -> None:
        """Each statement is a transaction of its own."""
        for table in ENGLISH:
            self._write(conn, table, ENGLISH[table], self._life(table))

    def _together(self, conn: psycopg.Connection) -> None:
        """Read, then write several tables in one transaction."""
        with self._transaction(conn) as done:
            if old := self._any("users"):
                self._call(conn, "select", "users", ENGLISH["users"].select, old)
            for table in ("users", "provider_services", "messages"):
                done.add(table, "insert", self._row("nuevo"), ENGLISH)

    def _backwards(self, conn: psycopg.Connection) -> None:
        """Lock rows of several tables, in any order, then write them."""
        tables = [*ENGLISH]
        self._random.shuffle(tables)
        with self._transaction(conn) as done:
            for table in tables[:3]:
                if old := self._any(table):
                    text = f"select * from public.{table} where id = %(id)s for update"  # noqa: S608
                    self._call(conn, "lock", table, text, old)
                    done.add(table, "update", old | {"text": f"otro {self._turn}"}, ENGLISH)

    def _count(self, conn: psycopg.Connection) -> None:
        """Count a row up that the others count up too."""
        with self._transaction(conn) as done:
            found = self._call(conn, "lock", "task_queue", _READ_COUNTER, [COUNTER])
            if found and found.rows:
                value = [found.rows[0][0] + 1, COUNTER]
                if self._call(conn, "count", "task_queue", _COUNT, value):
                    done.counts = 1

    def _undo(self, conn: psycopg.Connection) -> None:
        """Write, and think better of it."""
        with self._transaction(conn) as done:
            done.add("messages", "insert", self._row("nuevo"), ENGLISH)
            if old := self._any("customers"):
                done.add("customers", "delete", old, ENGLISH)
            done.abandon()

    def _by_other_names(self, conn: psycopg.Connection) -> None:
        """Write by the Spanish names, as long as these are the ones that count."""
        for table, statements in OTHER_NAMES.items():
            for statement, row in self._life(table):
                with self._transaction(conn) as done:
                    lock = f"lock table public.{WRITTEN[table][1]} in row exclusive mode"
                    self._call(conn, "lock table", table, lock, [])
                    found = self._call(conn, "select", "pg_class", _IS_SWITCHED, [])
                    if found and found.rows[0][0]:
                        done.add(table, statement, row, {table: statements})

    # --- what they are made of --------------------------------------------------------------------

    def _row(self, word: str) -> Row:
        return {
            "id": str(uuid4()), "n": next(self._numbers), "owner": self._owner,
            "text": f"{word} {self._turn}",
        }  # fmt: skip

    def _any(self, table: str) -> Row | None:
        keys = [key for key in self.rows[table] if key != self._owner]
        return self._old(self._random.choice(keys)) if keys else None

    def _old(self, key: str) -> Row:
        return {"id": key, "n": "0", "owner": self._owner, "text": f"otro {self._turn}"}

    def _life(self, table: str) -> Iterator[tuple[str, Row]]:
        """Say what to do with a table's rows; one goes for each that comes."""
        yield "insert", self._row("nuevo")
        for statement in ("update", "select"):
            if old := self._any(table):
                yield statement, old
        if len(self.rows[table]) > _KEPT and (old := self._any(table)):
            yield "delete", old

    def _write(
        self,
        conn: psycopg.Connection,
        table: str,
        statements: Writable,
        life: Iterator[tuple[str, Row]],
    ) -> None:
        for statement, row in life:
            if self._call(conn, statement, table, getattr(statements, statement), row):
                self.note(table, statement, row)

    def _transaction(self, conn: psycopg.Connection) -> "_Transaction":
        return _Transaction(self, conn)

    def _call(
        self, conn: psycopg.Connection, verb: str, table: str, text: str, row: Row | Sequence[Any]
    ) -> "_Answer | None":
        """Say a statement and count it; None where it failed."""
        if (
            self._stop.is_set()
            and conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        ):
            raise _StopError
        name, began = self._name(), time.monotonic()
        error, rows = None, []
        try:
            cursor = conn.execute(text, row)
            rows = cursor.fetchall() if cursor.description else []
            if verb == "update" and cursor.rowcount == 0:
                error = "the row is gone"
        except psycopg.Error as failed:
            error = f"{verb} {table}: {type(failed).__name__}: {failed}"
        seconds = time.monotonic() - began
        self.tallies.setdefault(name, Tally()).add(f"{verb} {table}", seconds, error)
        if conn.closed:
            raise _StopError
        if self._pause:
            self._stop.wait(self._pause)
        return None if error else _Answer(rows)

    call = _call

    def note(self, table: str, statement: str, row: Row) -> None:
        """Remember a write that was committed."""
        if statement == "delete":
            self.rows[table].pop(row["id"], None)
        elif statement in {"insert", "update"}:
            self.rows[table][row["id"]] = row["text"]


class _Answer:
    """What a statement that did not fail has found."""

    def __init__(self, rows: list[Any]) -> None:
        self.rows = rows


class _Transaction:
    """A transaction whose writes count only once it is committed."""

    def __init__(self, client: SwitchClient, conn: psycopg.Connection) -> None:
        self.counts = 0
        self._client = client
        self._conn = conn
        self._done: list[tuple[str, str, Row]] = []
        self._abandoned = False

    def add(self, table: str, statement: str, row: Row, names: Mapping[str, Writable]) -> None:
        """Say a statement; what it writes counts with the transaction."""
        text = getattr(names[table], statement)
        if self._client.call(self._conn, statement, table, text, row):
            self._done.append((table, statement, row))
        else:
            self._abandoned = True

    def abandon(self) -> None:
        """Let it be rolled back."""
        self._abandoned = True

    def __enter__(self) -> "_Transaction":
        self._client.call(self._conn, "begin", "", "begin", [])
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._conn.closed or kind is not None:
            return
        failed = self._conn.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
        if self._abandoned or failed:
            self._client.call(self._conn, "rollback", "", "rollback", [])
            return
        if self._client.call(self._conn, "commit", "", "commit", []):
            for table, statement, row in self._done:
                self._client.note(table, statement, row)
            self._client.counted += self.counts


def run(
    url: str, connections: int, rate: float, first: int, lines: Iterator[str]
) -> Mapping[str, Any]:
    """Work on several connections while names come; return the answer."""
    current = next(lines, "").strip()
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(_MAKE_COUNTER, [COUNTER, COUNTER])
    stop = threading.Event()
    pause = connections / rate if rate else 0
    clients = [
        SwitchClient(url, first + number, lambda: current, pause) for number in range(connections)
    ]
    with ThreadPoolExecutor(connections) as pool:
        works = [pool.submit(client.work, stop) for client in clients]
        for line in lines:
            current = line.strip()
        stop.set()
        for work in works:
            work.result()
    calls = summarize(client.tallies for client in clients)
    return {
        "calls": {name: asdict(found) for name, found in calls.items()},
        "rows": {
            table: {key: text for client in clients for key, text in client.rows[table].items()}
            for table in ENGLISH
        },
        "counted": sum(client.counted for client in clients),
    }


@click.command()
@click.argument("url")
@click.option("--connections", type=click.IntRange(1, 5), default=1)
@click.option("--rate", type=click.FloatRange(0), default=0)
@click.option("--first", type=click.IntRange(0, 5), default=0, help="The first one's number.")
def main(url: str, connections: int, rate: float, first: int) -> None:
    """Write and read by the English and Spanish names until the input ends."""
    json.dump(run(url, connections, rate, first, iter(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
