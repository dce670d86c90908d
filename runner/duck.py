"""What DuckDB may use of this machine, and where its PostgreSQL extension is."""

import importlib.resources
import os
import shutil
from pathlib import Path

import psutil

# Memory that DuckDB takes at most before it spills to disk, unless TRASPASO_MEMORY_LIMIT says
# otherwise; never more than half of what the container has.
_MEMORY = 256 * 1024 * 1024
_CGROUPS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def memory_limit() -> str:
    """Return DuckDB's memory_limit; what the environment says stands as it is written."""
    return os.environ.get("TRASPASO_MEMORY_LIMIT") or f"{min(_MEMORY, _available() // 2)}B"


def _available() -> int:
    """Return the bytes that this process and its like may have."""
    limits = [psutil.virtual_memory().total]
    for path in _CGROUPS:
        try:
            limits.append(int(path.read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue
    return min(limits)


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
