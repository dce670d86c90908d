"""What the triggers of the change capture cost: the same writes without and with them, in turns."""

import time
from collections.abc import Mapping
from uuid import uuid4

import psycopg

from runner import capture
from runner.bench.client import TABLES, Writable
from runner.db import connect
from runner.plan import Plan
from runner.settings import Settings

Seconds = dict[str, list[float]]

TABLE = "messages"

_PAIRS = 31
_WRITES = 200
# A new trigger's function is compiled, and statements planned anew: not counted.
_WARMING = 10
_WRITTEN = ("insert", "update", "delete")


def measure(
    settings: Settings, plan: Plan, pairs: int = _PAIRS, writes: int = _WRITES
) -> tuple[Seconds, Seconds]:
    """Return the seconds of one write, by statement and round: without the triggers and with.

    Each a transaction of its own, on a database where phase 0 is done. The triggers are gone
    afterwards, and so are the rows.
    """
    found: tuple[Seconds, Seconds] = ({}, {})
    with connect(settings.require_target(), autocommit=True) as conn:
        for pair in range(pairs):
            # Who comes first is not always the same: the table grows, the machine has moods.
            for captured in (False, True) if pair % 2 else (True, False):
                if captured:
                    capture.install(conn, settings, plan, TABLE)
                try:
                    _round(conn, _WARMING)
                    taken = _round(conn, writes)
                finally:
                    capture.remove(conn, settings, plan)
                    conn.execute("delete from traspaso.changes")
                for statement, seconds in taken.items():
                    found[captured].setdefault(statement, []).append(seconds)
    return found


def _round(conn: psycopg.Connection, writes: int) -> Mapping[str, float]:
    """Write some rows, change them, delete them; return the seconds of one statement of each."""
    table: Writable = TABLES[TABLE]
    rows = [{"id": uuid4(), "n": f"9{n:06}", "text": f"texto {n}"} for n in range(writes)]
    taken = {}
    for statement in _WRITTEN:
        text = getattr(table, statement).encode()
        began = time.perf_counter()
        for row in rows:
            conn.execute(text, row)
        taken[statement] = (time.perf_counter() - began) / writes
    return taken
