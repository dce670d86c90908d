"""The servers that this project starts."""

import os
import shutil
from pathlib import Path

import psycopg
import pytest

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
