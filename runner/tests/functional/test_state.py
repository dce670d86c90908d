import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from runner import state
from runner.db import connect, table_checksum
from runner.errors import ExitCode, Refused, Unreachable
from runner.server import PgServer

CATALOG = """
select c.oid, c.relname, c.relfilenode, c.xmin::text, obj_description(c.oid)
from pg_class as c where relnamespace = 'traspaso'::regnamespace order by c.oid
"""


@pytest.fixture
def operator(database: str) -> Iterator[psycopg.Connection]:
    """Give the connection that moves the system."""
    with connect(database, autocommit=True) as connection:
        state.install(connection)
        yield connection


def phase_done(conn: psycopg.Connection, phase: int, run_id: str) -> None:
    state.record_step(conn, "tinkubot", phase, state.PHASE_STEP, run_id=run_id, status="done")


# --- installing ---------------------------------------------------------------------------------


def test_status_before_anything_is_installed_reads_only(database: str) -> None:
    with connect(database, read_only=True) as conn:
        assert state.status(conn, "tinkubot") == state.Status(None, "idle", switched=False)
        assert state.steps(conn, "tinkubot") == []


def test_installing_again_changes_nothing(operator: psycopg.Connection) -> None:
    before = operator.execute(CATALOG).fetchall()
    state.install(operator)
    after = operator.execute(CATALOG).fetchall()
    assert before == after
    assert {row[1] for row in before} >= {"runs", "steps", "backups"}


def test_every_table_has_a_comment_in_the_database(operator: psycopg.Connection) -> None:
    rows = operator.execute(
        "select obj_description(c.oid) from pg_class c"
        " where relnamespace = 'traspaso'::regnamespace and relkind = 'r'"
    ).fetchall()
    assert len(rows) == len(state._TABLES)
    assert all(row[0].startswith("Una fila por") for row in rows)


def test_two_first_commands_may_install_at_once(database: str) -> None:
    with connect(database) as first, connect(database, lock_timeout_ms=100) as second:
        with first.transaction():
            state.install(first)
            # The second waits for the first instead of failing on a schema it cannot see yet.
            with pytest.raises(psycopg.errors.LockNotAvailable, match="lock timeout"):
                state.install(second)
        state.install(second)
        assert state.is_installed(second)


# --- the operator's lock ------------------------------------------------------------------------


def test_a_second_operator_is_refused_and_told_who_holds_the_lock(
    database: str, operator: psycopg.Connection
) -> None:
    with (
        state.operator_lock(operator, "tinkubot") as lock,
        connect(database, autocommit=True) as second,
    ):
        lock.check()
        with (
            pytest.raises(Refused, match=f"process {operator.info.backend_pid}, user ") as caught,
            state.operator_lock(second, "tinkubot"),
        ):
            pass
        assert caught.value.exit_code is ExitCode.REFUSED
        assert "application traspaso" in caught.value.message
        with state.operator_lock(second, "fluxion"):
            pass
    with connect(database, autocommit=True) as second, state.operator_lock(second, "tinkubot"):
        pass


def test_the_lock_is_released_by_an_error(operator: psycopg.Connection) -> None:
    with pytest.raises(ValueError, match="x"), state.operator_lock(operator, "tinkubot"):
        raise ValueError("x")
    assert state.lock_holder(operator, "tinkubot") is None


def test_a_role_that_may_not_see_the_holder_is_told_its_process(
    database: str, operator: psycopg.Connection
) -> None:
    operator.execute("create role otro login")
    try:
        with (
            state.operator_lock(operator, "tinkubot"),
            connect(make_conninfo(database, user="otro"), autocommit=True) as other,
        ):
            holder = state.lock_holder(other, "tinkubot")
            assert holder is not None
            assert holder.pid == operator.info.backend_pid
            assert "unknown" in str(holder)
    finally:
        operator.execute("drop role otro")


def test_a_lost_lock_is_noticed(database: str, conn: psycopg.Connection) -> None:
    with connect(database, autocommit=True) as first:
        first_lock = state.operator_lock(first, "tinkubot")
        lock = first_lock.__enter__()
        conn.execute("select pg_terminate_backend(%s)", [first.info.backend_pid])
        with pytest.raises(Unreachable, match="lost"):
            lock.check()
        first_lock.__exit__(None, None, None)


def test_the_lock_needs_a_connection_that_is_never_idle_in_a_transaction(database: str) -> None:
    with (
        connect(database) as conn,
        pytest.raises(ValueError, match="autocommit"),
        state.operator_lock(conn, "tinkubot"),
    ):
        pass


# --- runs and steps -----------------------------------------------------------------------------


def test_a_run_is_idle_then_running_then_idle_again(
    database: str, operator: psycopg.Connection
) -> None:
    with connect(database, read_only=True, autocommit=True) as reader:
        with state.operator_lock(operator, "tinkubot"):
            run_id = state.start_run(operator, "tinkubot", "run --phase 0")
            assert state.status(reader, "tinkubot").state == "running"
            phase_done(operator, 0, run_id)
            state.finish_run(operator, run_id, "succeeded", detail={"phases": [0]})
        assert state.status(reader, "tinkubot").to_json() == {
            "phase": 0,
            "state": "idle",
            "switched": False,
        }
        assert state.status(reader, "fluxion").phase is None


def test_a_killed_run_is_interrupted_until_another_one_ends(
    database: str, operator: psycopg.Connection
) -> None:
    code = (
        "import sys, os, signal\n"
        "from runner import state\nfrom runner.db import connect\n"
        "conn = connect(sys.argv[1], autocommit=True)\n"
        "with state.operator_lock(conn, 'tinkubot'):\n"
        "    state.start_run(conn, 'tinkubot', 'run')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, database], check=False)
    _until_free(operator)
    assert state.status(operator, "tinkubot").state == "interrupted"
    with state.operator_lock(operator, "tinkubot"):
        # Holding the lock for something else does not make the killed run a running one.
        assert state.status(operator, "tinkubot").state == "interrupted"
        run_id = state.start_run(operator, "tinkubot", "run")
        state.finish_run(operator, run_id, "succeeded")
    assert state.status(operator, "tinkubot").state == "idle"
    statuses = operator.execute("select status from traspaso.runs order by started_at").fetchall()
    assert statuses == [("interrupted",), ("succeeded",)]


def _until_free(conn: psycopg.Connection) -> None:
    for _ in range(100):
        if state.lock_holder(conn, "tinkubot") is None:
            return
        conn.execute("select pg_sleep(0.05)")
    pytest.fail("the killed run still holds its lock")


def test_a_killed_runner_loses_its_lock_in_the_middle_of_a_long_statement(
    operator: psycopg.Connection, database: str
) -> None:
    code = (
        "import sys, os, signal, threading\n"
        "from runner import state\nfrom runner.db import connect\n"
        "conn = connect(sys.argv[1], autocommit=True)\n"
        "with state.operator_lock(conn, 'tinkubot'):\n"
        "    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGKILL)).start()\n"
        "    conn.execute('select pg_sleep(600)')\n"
    )
    subprocess.run([sys.executable, "-c", code, database], check=False)
    _until_free(operator)


def test_a_server_that_was_killed_leaves_an_interrupted_run(pg: PgServer) -> None:
    with PgServer(pg.bin_dir) as server:
        conn = connect(server.url(), autocommit=True)
        state.install(conn)
        with state.operator_lock(conn, "tinkubot"):
            run_id = state.start_run(conn, "tinkubot", "run")
            phase_done(conn, 0, run_id)
            server.kill()
            with pytest.raises(psycopg.OperationalError):
                conn.execute("select 1")
        assert server.pid is None
        server.start()
        with connect(server.url(), read_only=True) as reader:
            status = state.status(reader, "tinkubot")
        assert (status.phase, status.state) == (0, "interrupted")


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["failed"], "failed"),
        (["failed", "refused"], "failed"),
        (["succeeded", "refused"], "idle"),
        (["refused"], "idle"),
        (["failed", "succeeded"], "idle"),
    ],
)
def test_a_refused_run_leaves_the_state_as_it_was(
    operator: psycopg.Connection, outcomes: list[state.RunStatus], expected: str
) -> None:
    for outcome in outcomes:
        run_id = state.start_run(operator, "tinkubot", "run")
        state.finish_run(operator, run_id, outcome, error="x")
    assert state.status(operator, "tinkubot").state == expected


def test_a_step_is_recorded_if_and_only_if_its_transaction_is(
    operator: psycopg.Connection,
) -> None:
    run_id = state.start_run(operator, "tinkubot", "run")
    with operator.transaction(force_rollback=True):
        state.record_step(operator, "tinkubot", 2, "clientes", run_id=run_id, status="done")
    assert state.steps(operator, "tinkubot") == []
    with operator.transaction():
        state.record_step(operator, "tinkubot", 2, "clientes", run_id=run_id, status="done", rows=7)
    (step,) = state.steps(operator, "tinkubot")
    assert (step.step, step.rows, step.status) == ("clientes", 7, "done")
    assert step.finished_at is not None


def test_a_step_said_again_keeps_its_beginning_within_a_run(
    operator: psycopg.Connection,
) -> None:
    run_id = state.start_run(operator, "tinkubot", "run")
    for status in ("running", "done"):
        state.record_step(operator, "tinkubot", 2, "clientes", run_id=run_id, status=status)
    (first,) = state.steps(operator, "tinkubot")
    assert first.finished_at is not None
    assert first.finished_at > first.started_at
    again = state.start_run(operator, "tinkubot", "run")
    state.record_step(operator, "tinkubot", 2, "clientes", run_id=again, status="running")
    (second,) = state.steps(operator, "tinkubot")
    assert second.started_at > first.finished_at
    assert second.finished_at is None


def test_the_phase_is_the_last_that_is_done_and_a_rollback_forgets(
    operator: psycopg.Connection,
) -> None:
    run_id = state.start_run(operator, "tinkubot", "run")
    for phase in (0, 1, 2):
        phase_done(operator, phase, run_id)
    state.record_step(operator, "tinkubot", 3, "mensajes", run_id=run_id, status="running")
    state.record_step(operator, "tinkubot", 3, state.PHASE_STEP, run_id=run_id, status="running")
    assert state.status(operator, "tinkubot").phase == 2
    state.forget_steps(operator, "tinkubot", after=0)
    assert state.status(operator, "tinkubot").phase == 0
    assert [step.phase for step in state.steps(operator, "tinkubot")] == [0]


def test_reading_the_status_writes_nothing(database: str, operator: psycopg.Connection) -> None:
    state.start_run(operator, "tinkubot", "run")
    before = table_checksum(operator, "traspaso", "runs")
    with connect(database, read_only=True) as reader:
        state.status(reader, "tinkubot")
    assert table_checksum(operator, "traspaso", "runs") == before
