"""What DuckDB may take of the machine: memory of nested control groups, a folder to spill to."""

from pathlib import Path

import psutil
import pytest

from runner import duck
from runner.errors import UsageProblem

MB = 1024 * 1024


def make_root(root: Path, own: str, limits: dict[str, str]) -> Path:
    """Write a /proc/self/cgroup and the files of its groups."""
    for name, text in {"proc/self/cgroup": own, **limits}.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n", encoding="ascii")
    return root


@pytest.mark.parametrize(
    ("own", "limits", "expected"),
    [
        ("0::/", {"memory.max": f"{600 * MB}"}, 600 * MB),
        (
            "0::/kubepods/pod1/c1",
            {
                "kubepods/memory.max": "max",
                "kubepods/pod1/memory.max": f"{500 * MB}",
                "kubepods/pod1/c1/memory.max": f"{700 * MB}",
            },
            500 * MB,
        ),
        (
            "0::/system.slice/run.scope",
            {"memory.max": f"{900 * MB}", "system.slice/run.scope/memory.max": f"{300 * MB}"},
            300 * MB,
        ),
        # the host's path: here the group is the root
        ("0::/../../docker/abc", {"memory.max": f"{400 * MB}"}, 400 * MB),
        (
            "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/",
            {
                "memory/memory.limit_in_bytes": "9223372036854771712",
                "memory/docker/abc/memory.limit_in_bytes": f"{350 * MB}",
                "docker/abc/memory.max": f"{1 * MB}",
            },
            350 * MB,
        ),
        ("4:memory:/docker/abc", {"memory/memory.limit_in_bytes": f"{450 * MB}"}, 450 * MB),
    ],
)
def test_the_smallest_limit_of_all_groups_counts(
    tmp_path: Path, own: str, limits: dict[str, str], expected: int
) -> None:
    files = {f"sys/fs/cgroup/{name}": text for name, text in limits.items()}
    assert duck.available_memory(make_root(tmp_path, own, files)) == expected


def test_without_a_limit_the_machine_counts(tmp_path: Path) -> None:
    total = psutil.virtual_memory().total
    assert duck.available_memory(tmp_path) == total
    unlimited = {"sys/fs/cgroup/memory.max": "max"}
    assert duck.available_memory(make_root(tmp_path, "0::/", unlimited)) == total


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("", 256 * MB),
        ("100MB", 100_000_000),
        ("0.25 GiB", 256 * MB),
        ("8GB", 300 * MB),
    ],
)
def test_duckdb_never_gets_more_than_half(
    monkeypatch: pytest.MonkeyPatch, wanted: str, expected: int
) -> None:
    monkeypatch.setattr(duck, "available_memory", lambda: 600 * MB)
    monkeypatch.setenv("TRASPASO_MEMORY_LIMIT", wanted)
    assert duck.memory_limit() == f"{expected}B"
    monkeypatch.setattr(duck, "available_memory", lambda: 100 * MB)
    assert duck.memory_limit() == f"{50 * MB}B"


@pytest.mark.parametrize("text", ["viel", "80%", "-1", "0MB", "256"])
def test_a_limit_that_is_no_size_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TRASPASO_MEMORY_LIMIT", text)
    with pytest.raises(UsageProblem, match="no size") as caught:
        duck.memory_limit()
    assert caught.value.fix == "export TRASPASO_MEMORY_LIMIT=256MB"


def test_it_spills_where_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRASPASO_TEMP_DIR", f"{tmp_path}/a/b")
    assert duck.spill_folder() == tmp_path / "a" / "b"
    monkeypatch.delenv("TRASPASO_TEMP_DIR")
    assert duck.spill_folder().is_dir()
