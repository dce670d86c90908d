"""The application writes on all through the switch and the way back, and loses nothing."""

from pathlib import Path

import psycopg
import pytest

from runner.bench.application import Load
from runner.bench.switch import BACK, VIEWS, watch
from runner.bench.switch_client import SPANISH
from runner.console import Console
from runner.sample import create_legacy
from runner.server import PgServer
from runner.settings import Settings
from runner.tests.faults.picture import take
from runner.tests.functional.helpers.tinkubot_cases import traspaso

pytestmark = pytest.mark.newest

READY = ("run", "tinkubot", "--through", "1", "--yes", "--ignore-window")
# A test's machine is slow, and busy with other tests.
LONGEST_MS = 5000


def test_a_client_that_writes_all_through_the_switch_and_back_notices_nothing_and_loses_nothing(
    pg: PgServer, settings: Settings, conn: psycopg.Connection, tmp_path: Path
) -> None:
    create_legacy(conn, dirt=0, messages=200)
    url = settings.require_target()
    first = take(pg, url)
    assert traspaso(settings, *READY).code == 0
    load = Load(connections=3, rate=300, baseline_seconds=2)
    found = watch(url, tmp_path, Console(), load, at_once=True)
    found.require(LONGEST_MS)
    assert all(
        found.calls[name].calls for name in ("2 to 4", VIEWS, f"{BACK} {SPANISH}")
    ), found.calls
    assert all(found.before.rows.values())
    assert found.before.counted
    assert found.after.counted
    assert traspaso(settings, "validate", "tinkubot").code == 0
    undone = traspaso(settings, "rollback", "tinkubot", "--to", "0", "--yes")
    assert (undone.code, undone.json["differences"]) == (0, [])
    last = take(pg, url)
    assert last.ddl == first.ddl
    assert last.oids == first.oids
