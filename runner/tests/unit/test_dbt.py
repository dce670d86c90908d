"""What dbt leaves on the disk: nothing of a process that is gone, and the last few parsings."""

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from runner import dbt
from runner.plan import load_plan
from runner.settings import Settings

HOLDS = """
import sys
from runner.dbt import _own_folder
with _own_folder() as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_the_folder_of_a_killed_process_is_removed_and_that_of_a_living_one_stays(
    temporary: Path,
) -> None:
    living, killed = (
        subprocess.Popen(
            [sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    )
    kept, left = (Path(next(process.stdout or iter(())).strip()) for process in (living, killed))
    (left / "partial_parse.msgpack").touch()
    killed.kill()
    killed.wait()
    assert left.exists()
    with dbt._own_folder() as own:
        assert sorted(temporary.iterdir()) == sorted([kept, own])
    living.communicate("")
    assert list(temporary.iterdir()) == []


def test_a_folder_is_removed_when_its_block_fails(temporary: Path) -> None:
    with pytest.raises(FileNotFoundError), dbt._own_folder():
        raise FileNotFoundError
    assert list(temporary.iterdir()) == []


def test_each_pair_of_schemas_has_what_was_parsed_for_it_and_the_oldest_is_forgotten(
    tmp_path: Path,
) -> None:
    settings = Settings(project_dir=tmp_path)
    caches = [dbt._cache(replace(settings, legacy_schema=name), 4) for name in "abcdef"]
    caches.append(dbt._cache(replace(settings, target_schema="otro"), 4))
    assert len(set(caches)) == len(caches)
    assert dbt._cache(replace(settings, legacy_schema="a", target_url="x"), 4) == caches[0]
    for age, cache in enumerate(reversed(caches)):
        cache.mkdir(parents=True)
        (cache / "partial_parse.msgpack").touch()
        os.utime(cache / "partial_parse.msgpack", (age, age))
    dbt._forget_oldest(caches[0].parent)
    assert {cache for cache in caches if cache.exists()} == set(caches[: dbt._KEPT_CACHES])


def test_what_postgresql_says_is_shown_however_long_the_statement_before_it_is() -> None:
    statement = [f"column_{n} = changed.column_{n}," for n in range(40)]
    said = ["Runtime Error in model x", *statement, '" : ERROR:  canceling statement due to lock',
            "timeout", "CONTEXT:  while locking"]  # fmt: skip
    assert dbt._telling(said) == [
        said[0], "…", "ERROR:  canceling statement due to lock", "timeout",
        "CONTEXT:  while locking",
    ]  # fmt: skip
    assert dbt._telling(statement) == statement[:6]
    assert dbt._telling(["a", "ERROR:  b", "c"]) == ["a", "ERROR:  b", "c"]


def test_where_duckdb_has_too_little_memory_the_setting_is_named() -> None:
    made = dbt.Dbt(Settings(), load_plan("fluxion"))
    said = made._failure(
        "productos", "Runtime Error\n  Out of Memory Error: failed to pin block of size 256.0 KiB"
    )
    assert "failed to pin block" in said.message
    assert "TRASPASO_MEMORY_LIMIT" in said.fix
    assert "the same command again" in said.fix
