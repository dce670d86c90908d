"""The faults of a real night, each as it happens; `make faults` kills at many more moments."""

import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from runner.engine import MASTERS, TRANSACTIONS
from runner.tests.conftest import servers
from runner.tests.faults.command import Running, start
from runner.tests.faults.picture import FLUXION
from runner.tests.faults.proxy import wait_for
from runner.tests.faults.schedule import short
from runner.tests.faults.trial import BACK, DELTA, SWITCH, Kill, Site, Trial
from runner.tests.functional.helpers.tinkubot_cases import Answer

SEED = 11
SMALL = "64k"
LARGE = "256m"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Run a server of its own with the database as it is before each phase.

    The newest: `make faults` is for the others.
    """
    with Site(servers()[max(servers())]) as made:
        made.prepare(SEED)
        yield made


def same(site: Site, phase: int) -> None:
    """Assert that the database is what it is before a phase of an undisturbed migration."""
    site.wait_until_alone()
    found = site.started[phase].differences(site.picture())
    assert not found.any, found.named


def failed(answer: Answer, code: int, *says: str) -> None:
    """Assert that a command failed in one line with what to do, and names what it must."""
    assert answer.code == code, answer
    error = answer.json["error"]
    for words in says:
        assert words in error["message"], answer
    assert error["fix"]
    assert "unexpected:" not in error["message"], answer
    assert "Traceback" not in answer.stderr


def continued(site: Site, phase: int) -> None:
    """Assert that the same command completes the phase, as if nothing had been."""
    answer = site.say(*site.run(phase))
    assert answer.code == 0, answer
    site.wait_until_alone()
    found = site.ended[phase].differences(site.picture())
    assert not found.any, found.named


# --- killed -------------------------------------------------------------------------------------


def test_killed_three_times_in_a_row_each_phase_is_continued_or_undone(site: Site) -> None:
    rng = random.Random(SEED + site.server.major)  # noqa: S311  # the same moments every time
    outcomes = [site.try_out(t) for t in short(site.counts, site.seconds, SEED, rng)]
    assert [(str(each.trial), each.faults) for each in outcomes if each.faults] == []
    assert sum(each.lost + each.doubled for each in outcomes) == 0
    # The others of the three may come too late: a continued run is a shorter one.
    assert all(each.killed for each in outcomes)
    assert sum(each.states["interrupted"] for each in outcomes) > 0


def test_a_load_from_a_file_is_continued_or_undone_too() -> None:
    rng = random.Random(SEED)  # noqa: S311  # the same moments every time
    with Site(servers()[max(servers())], system=FLUXION) as site:
        site.prepare(SEED)
        trials = short(site.counts, site.seconds, SEED, rng, stages=(MASTERS, TRANSACTIONS, DELTA))
        outcomes = [site.try_out(trial) for trial in trials]
    assert [(str(each.trial), each.faults) for each in outcomes if each.faults] == []
    assert sum(each.lost + each.doubled for each in outcomes) == 0
    assert all(each.killed for each in outcomes)


def test_killed_in_the_switch_or_on_the_way_back_it_is_the_old_state_or_the_new_one(
    site: Site,
) -> None:
    moments = (
        (SWITCH, "inside", site.counts[SWITCH]["inside"] - 40, "server"),
        (SWITCH, "after", site.counts[SWITCH]["before"] - 1, "backend"),
        (BACK, "inside", site.counts[BACK]["inside"] - 40, "backend"),
        (BACK, "after", site.counts[BACK]["before"] - 1, "group"),
    )
    outcomes = [
        site.try_out(Trial(SEED, stage, (Kill(event, number, victim),)))
        for stage, event, number, victim in moments
    ]
    assert [(str(each.trial), each.faults) for each in outcomes if each.faults] == []
    assert sum((each.sides for each in outcomes), Counter()) == {"old": 2, "new": 2}


def test_numbers_that_a_killed_load_drew_are_drawn_again_by_the_next(site: Site) -> None:
    site.reset(2)
    drawn = "commit of model.traspaso.tinkubot__proveedor_profesiones"
    running: list[Running] = []
    site.proxy.arm("before", 0, lambda _link: running[0].kill(group=True), of=drawn)
    running.append(site.start(*site.run(2)))
    running[0].answer()
    site.proxy.settle()
    assert site.proxy.fired == drawn
    site.wait_until_alone()
    continued(site, 2)


def test_after_a_crash_of_the_server_numbers_go_on_where_they_were_recorded(site: Site) -> None:
    site.reset(2)
    assert site.say(*site.run(2)).code == 0
    site.server.kill()
    site.server.start()
    undone = site.say("rollback", "tinkubot", "--to", "2", "--yes")
    assert (undone.code, undone.json["differences"]) == (0, [])
    same(site, 3)


@pytest.mark.parametrize("event", ["copy", "copyin"], ids=["of the dump", "of the restore"])
def test_a_connection_that_is_cut_in_the_middle_of_a_copy_is_reported_and_continued(
    site: Site, event: str
) -> None:
    number = -(-site.counts[0][event] // 2)
    outcome = site.try_out(Trial(SEED, 0, (Kill(event, number, "connection"),)))
    assert outcome.faults == []
    assert len(outcome.killed) == 1
    assert outcome.states == {"failed": 1}


# --- full disks ---------------------------------------------------------------------------------


@contextmanager
def disk(folder: Path, size: str) -> Iterator[None]:
    """Mount a disk of a certain size on a folder."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if mounted.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        shutil.rmtree(folder, ignore_errors=True)


def enlarge(folder: Path) -> None:
    """Free space on a small disk."""
    subprocess.run(["mount", "-o", f"remount,size={LARGE}", folder], check=True)


def test_a_full_disk_in_the_backup_folder_is_named_and_nothing_is_left_there(site: Site) -> None:
    site.reset(0)
    with disk(site.backups, SMALL):
        failed(site.say(*site.run(0)), 1, "free for")
        failed(site.say("backup", "tinkubot", "create"), 1, "No space left on device")
        assert site.state() == "idle"
        assert list(site.backups.iterdir()) == []
        enlarge(site.backups)
        continued(site, 0)


def test_a_full_disk_of_the_server_is_named_and_the_phase_completes_with_more_space(
    site: Site,
) -> None:
    site.reset(2)
    folder = site.folder / "disk"
    with disk(folder, LARGE):
        owner = site.server.data.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        with psycopg.connect(site.url, autocommit=True) as conn:
            conn.execute(f"create tablespace pequeno location '{folder}'".encode())
            conn.execute("alter database legado set default_tablespace = 'pequeno'")
            for table in ("proveedores", "clientes"):
                conn.execute(f"alter table public.{table} set tablespace pequeno".encode())
        subprocess.run(["mount", "-o", f"remount,size={SMALL}", folder], check=True)
        try:
            failed(site.say(*site.run(2)), 1, "the server's disk is full")
            assert site.state() == "failed"
            enlarge(folder)
            assert site.say(*site.run(2)).code == 0
            found = site.started[3].differences(site.picture())
            assert (found.lost, found.doubled, found.changed) == (0, 0, 0)
            assert not [name for name in found.named if "pequeno" not in name]
        finally:
            site.wait_until_alone()
            site.server.drop_database("legado")
            with psycopg.connect(site.server.url(), autocommit=True) as conn:
                conn.execute("drop tablespace pequeno")


# --- others at work -----------------------------------------------------------------------------


@contextmanager
def held(site: Site, table: str) -> Iterator[psycopg.Connection]:
    """Hold a lock on a table in a session of somebody else's."""
    with psycopg.connect(site.url, application_name="informe nocturno") as conn:
        conn.execute(f"lock table public.{table} in access exclusive mode".encode())
        yield conn
        conn.rollback()


def test_a_table_that_somebody_holds_too_long_is_a_refusal_and_the_run_completes_later(
    site: Site,
) -> None:
    site.reset(2)
    with held(site, "professions"):
        failed(site.say(*site.run(2)), 3, "lock")
    continued(site, 2)


def test_who_holds_a_table_too_long_is_named(site: Site) -> None:
    site.reset(2)
    with held(site, "professions") as holder:
        pid = holder.info.backend_pid
        failed(site.say(*site.run(2)), 3, str(pid), "postgres", "informe nocturno")


def test_of_two_operators_at_once_one_is_refused_and_the_other_completes(site: Site) -> None:
    site.reset(2)
    both = [start(site.run(2), site.environment(), site.folder / name) for name in ("one", "two")]
    answers = sorted((running.answer() for running in both), key=lambda answer: answer.code)
    assert answers[0].code == 0, answers
    failed(answers[1], 3, "another operator is moving tinkubot", "traspaso")
    same(site, 3)


# --- another laptop -----------------------------------------------------------------------------


def test_a_laptop_that_dies_is_continued_by_another_that_has_no_backup_until_it_makes_one(
    site: Site,
) -> None:
    site.reset(2)
    first = start(site.run(2), site.environment(), site.folder / "run")
    with psycopg.connect(site.url, autocommit=True) as conn:
        loaded = "select 1 from traspaso.steps where phase = 2 and step = 'profesiones'"
        wait_for(lambda: conn.execute(loaded.encode()).fetchone() is not None, 60, "a table")
    first.kill(group=True)
    first.answer()
    site.wait_until_alone()
    # Its disk is gone with it.
    shutil.rmtree(site.backups)
    assert site.state() == "interrupted"
    refused = site.say(*site.run(2))
    failed(refused, 3, "is not here, so nothing is loaded")
    assert "traspaso backup tinkubot create" in refused.json["error"]["fix"]
    assert site.state() == "interrupted"
    assert site.say("backup", "tinkubot", "create").code == 0
    assert site.say("backup", "tinkubot", "verify").code == 0
    continued(site, 2)


# --- changed behind its back --------------------------------------------------------------------

ALTERED = {
    "a type": ("alter table public.messages alter is_bot type text", "public.messages.is_bot"),
    "a column gone": ("alter table public.messages drop is_bot", "public.messages.is_bot"),
    "a column more": ("alter table public.messages add tono text", "public.messages.tono"),
    "a table gone": ("drop table public.messages", "public.messages"),
}


@pytest.mark.parametrize("altered", ALTERED)
def test_a_legacy_table_that_was_altered_between_two_phases_is_named_and_refused(
    site: Site, altered: str
) -> None:
    statement, named = ALTERED[altered]
    site.reset(2)
    with psycopg.connect(site.url, autocommit=True) as conn:
        conn.execute(statement.encode())
    before = site.picture()
    failed(site.say(*site.run(2)), 1, named)
    assert not before.differences(site.picture()).any


def test_a_column_that_came_between_two_phases_and_goes_again_stops_them_no_longer(
    site: Site,
) -> None:
    site.reset(3)
    with psycopg.connect(site.url, autocommit=True) as conn:
        conn.execute("alter table public.messages add tono text")
        failed(site.say(*site.run(3)), 1, "public.messages.tono")
        conn.execute("alter table public.messages drop tono")
    continued(site, 3)


def test_a_backup_that_was_damaged_on_disk_is_found_and_never_restored(site: Site) -> None:
    site.reset(1)
    (folder,) = site.backups.iterdir()
    damaged = max((folder / "dump").iterdir(), key=lambda file: file.stat().st_size)
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    for verb in (("verify", folder.name), ("restore", folder.name, "--yes")):
        failed(site.say("backup", "tinkubot", *verb), 1, f"dump/{damaged.name} is damaged")
    same(site, 1)
    refused = site.say(*site.run(2))
    failed(refused, 3, "phase 1")
    assert site.say(*site.run(1)).code == 0
    failed(site.say(*site.run(2)), 3, "there is no verified backup")
