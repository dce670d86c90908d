"""The servers that this project starts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from runner.errors import StepFailed
from runner.server import PgServer, embedded_bin


@pytest.mark.skipif(os.geteuid() != 0, reason="the server's user is another one only for root")
def test_root_starts_a_server_from_a_folder_that_its_user_may_not_enter(tmp_path: Path) -> None:
    package = embedded_bin().parents[1]
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, closed / folder.name, symlinks=True)
    programs = closed / embedded_bin().relative_to(package.parent)
    with PgServer(programs) as server, psycopg.connect(server.url("postgres")) as conn:
        assert conn.execute("select 1").fetchone() == (1,)


def test_a_killed_server_leaves_no_process_and_starts_again() -> None:
    with PgServer(embedded_bin()) as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as conn:
            conn.execute("create table kept as select 1 as one")
        # As a process that the server was making when its children were listed.
        left = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"], cwd=server.data
        )
        server.kill()
        left.wait(timeout=10)
        assert not psutil.pid_exists(left.pid)
        assert server.pid is None
        with psycopg.connect(server.start().url("postgres")) as conn:
            assert conn.execute("select one from kept").fetchone() == (1,)


def test_a_server_that_does_not_start_says_why() -> None:
    with PgServer(embedded_bin()) as server:
        server.stop()
        conf = server.data / "postgresql.auto.conf"
        conf.write_text("shared_preload_libraries = 'no_such_library'\n")
        with pytest.raises(StepFailed, match=r"FATAL.*no_such_library"):
            server.start()
        conf.write_text("")
