"""What DuckDB may use of this machine, and where its PostgreSQL extension is."""

import importlib.resources
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from runner.errors import UsageProblem

# Memory that DuckDB takes at most before it spills to disk, unless TRASPASO_MEMORY_LIMIT says
# otherwise; never more than half of what the container has.
_MEMORY = 256 * 1024 * 1024

# Measured: with 48 MB the proofs of 400,000 lines stop, with 64 MB they do not.
LEAST_MEMORY = 64_000_000

_ROOT = Path("/")
_CGROUPS = Path("sys/fs/cgroup")
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?) *(?P<unit>[kmgt]?i?b)", re.IGNORECASE)
# As DuckDB counts: 1 MB is a million bytes, 1 MiB is 1024 times 1024.
_UNITS = {
    f"{letter}{mark}b": step**power
    for power, letter in enumerate(("", "k", "m", "g", "t"))
    for mark, step in (("", 1000), ("i", 1024))
}


# --- memory -------------------------------------------------------------------------------------


def memory_limit() -> str:
    """Return DuckDB's memory_limit as DuckDB takes it; see memory_bytes."""
    return f"{memory_bytes()}B"


def memory_bytes() -> int:
    """Return the bytes that DuckDB may have, at most half of what this process may.

    Raises UsageProblem where TRASPASO_MEMORY_LIMIT is no size.
    """
    return min(wanted_memory() or _MEMORY, available_memory() // 2)


def wanted_memory() -> int | None:
    """Return the bytes that TRASPASO_MEMORY_LIMIT names, None where it is not set."""
    text = os.environ.get("TRASPASO_MEMORY_LIMIT", "").strip()
    if not text:
        return None
    found = _SIZE.fullmatch(text)
    size = float(found["number"]) * _UNITS[found["unit"].lower()] if found else 0
    if size < 1:
        raise UsageProblem(
            f"TRASPASO_MEMORY_LIMIT is no size: {text}", "export TRASPASO_MEMORY_LIMIT=256MB"
        )
    return int(size)


def available_memory(root: Path = _ROOT) -> int:
    """Return the bytes that this process and its like may have.

    The machine's, or the smallest limit of the control groups that the process is in, one within
    another. `root` is where /proc and /sys are.
    """
    limits = [psutil.virtual_memory().total]
    for file in _limits(root):
        try:
            limits.append(int(file.read_text(encoding="ascii")))
        except (OSError, ValueError):
            # Not ours to read, not there, or "max".
            continue
    return min(limits)


def _limits(root: Path) -> Iterator[Path]:
    """Yield the files that limit memory, of version 2 and of version 1 of the control groups.

    A group's own path may be the host's, where a container sees its group as the root: the root is
    always asked too.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    groups = {("", "/"), ("memory", "/")}
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            groups.add(("", path))
        elif "memory" in controllers.split(","):
            groups.add(("memory", path))
    for controller, path in sorted(groups):
        file = "memory.limit_in_bytes" if controller else "memory.max"
        mount = root / _CGROUPS / controller
        # A group outside of what is mounted here: /../other.
        inside = Path(*(part for part in Path(path).parts if part not in {"/", ".."}))
        yield from (mount / folder / file for folder in (inside, *inside.parents))


# --- spilling -----------------------------------------------------------------------------------


def spill_folder() -> Path:
    """Return the folder in which DuckDB spills, or in which each run makes its own."""
    named = os.environ.get("TRASPASO_TEMP_DIR", "").strip()
    return Path(named or tempfile.gettempdir()).expanduser().absolute()


def is_in_memory(folder: Path) -> bool:
    """Whether a folder is on a file system that takes memory itself, as /tmp may be."""
    mounts = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    kind = next((mounts[path] for path in (folder, *folder.parents) if path in mounts), "")
    return kind in {"tmpfs", "ramfs"}


# --- the PostgreSQL extension -------------------------------------------------------------------


def extension_folder(project_dir: Path) -> str:
    """Return the folder in which DuckDB finds its PostgreSQL extension.

    Put there from its wheel; without the wheel DuckDB downloads it into the folder.
    """
    if named := os.environ.get("TRASPASO_DUCKDB_EXTENSIONS"):
        return named
    folder = project_dir / "target" / "duckdb"
    try:
        wheel = importlib.resources.files("duckdb_extension_postgres_scanner")
    except ModuleNotFoundError:
        return str(folder)
    for version in (Path(str(wheel)) / "extensions").iterdir():
        _copy(version, folder)
    return str(folder)


def _copy(version: Path, folder: Path) -> None:
    import duckdb

    platform = duckdb.sql("pragma platform").fetchone()
    into = folder / version.name / str(platform[0] if platform else "")
    for extension in version.glob("*.duckdb_extension"):
        place = into / extension.name
        if place.exists() and place.stat().st_size == extension.stat().st_size:
            continue
        into.mkdir(parents=True, exist_ok=True)
        # Replaced at once: another process may be loading it.
        partial = place.with_suffix(f".{os.getpid()}")
        shutil.copy(extension, partial)
        partial.replace(place)
