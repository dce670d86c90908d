"""Backups and space: the folder, the disks, PostgreSQL's client programs."""

import os
import shutil
from pathlib import Path

import psutil

from runner import duck, pgclient
from runner.db import server_major
from runner.errors import TraspasoError, UsageProblem
from runner.preflight.connection import is_local
from runner.preflight.look import Look, Problem, Problems

_GB = 1e9


def backup_folder(look: Look) -> Problems:
    """Find a folder that cannot be written to."""
    folder = look.settings.backup_dir
    nearest = _nearest(folder)
    if not nearest.is_dir():
        yield Problem(f"{nearest} is no folder", "set TRASPASO_BACKUP_DIR to one")
    elif not os.access(nearest, os.W_OK | os.X_OK):
        yield Problem(
            f"nothing can be written to {folder}",
            f"chmod u+rwx {nearest}, or set TRASPASO_BACKUP_DIR to a folder of yours",
        )


def _nearest(folder: Path) -> Path:
    """Return the folder, or where there is none yet, what it would be made in."""
    return next(path for path in (folder, *folder.parents) if path.exists())


# --- disks --------------------------------------------------------------------------------------


def backup_disk(look: Look) -> Problems:
    """Find too little room for backups: less than the tables fails, than twice the database warns.

    A dump is compressed, and mostly far smaller than its tables: this is the safe side.
    """
    free = _free(look.settings.backup_dir)
    tables, database = look.sizes["backup_bytes"], look.sizes["database_bytes"]
    fix = "free space, or set TRASPASO_BACKUP_DIR to a larger disk"
    if free < tables:
        yield Problem(
            f"{_gb(free)} free for {look.settings.backup_dir}; the tables to back up have "
            f"{_gb(tables)}",
            fix,
        )
    elif free < 2 * database:
        yield Problem(
            f"{_gb(free)} free for {look.settings.backup_dir}; twice the database are "
            f"{_gb(2 * database)}",
            fix,
            "warn",
        )


def backup_disk_free(look: Look) -> str:
    """Say how much room there is for backups."""
    free = _free(look.settings.backup_dir)
    return f"{_gb(free)} free; twice the database are {_gb(2 * look.sizes['database_bytes'])}"


def server_disk(look: Look) -> Problems:
    """Find too little room on the server for the Spanish tables and a restore drill.

    SQL does not tell how full a disk is: only that of a server on this machine can be measured.
    """
    database = look.sizes["database_bytes"]
    folder = _server_folder(look)
    if folder is None:
        yield Problem(
            f"the server's disk cannot be seen from here; it needs {_gb(2 * database)} free, twice "
            "the database",
            "look there, with df -h or at the provider's console",
            "warn",
        )
        return
    free = _free(folder)
    if free < 2 * database:
        # What was begun may have most of its room already.
        short = free < database and not look.our_tables
        yield Problem(
            f"{_gb(free)} free for {folder}; twice the database are {_gb(2 * database)}",
            "free space on the server's disk, or enlarge it",
            "fail" if short else "warn",
        )


def server_disk_free(look: Look) -> str:
    """Say how much room the server has."""
    folder = _server_folder(look)
    free = _gb(_free(folder)) if folder else "unknown"
    return f"{free} free; twice the database are {_gb(2 * look.sizes['database_bytes'])}"


def _server_folder(look: Look) -> Path | None:
    """Return where the server stores the database, if that is on a disk of this machine.

    A tunnel or a container answers on loopback too: the server's process must be one of ours.
    """
    directory = look.sizes["directory"]
    if directory is None or not is_local(look.conn) or not _is_server(look.sizes["pid"]):
        return None
    folder = Path(directory)
    try:
        return folder if folder.is_dir() else None
    except OSError:
        return None


def _is_server(pid: int) -> bool:
    try:
        return psutil.Process(pid).name().startswith("postgres")
    except psutil.Error:
        return False


def _free(folder: Path) -> int:
    return shutil.disk_usage(_nearest(folder)).free


def _gb(count: float) -> str:
    return f"{count / _GB:,.1f} GB"


# --- DuckDB -------------------------------------------------------------------------------------


def memory(_look: Look) -> Problems:
    """Find a TRASPASO_MEMORY_LIMIT that is no size, too little, or more than DuckDB gets."""
    try:
        wanted = duck.wanted_memory()
    except UsageProblem as error:
        yield Problem(error.message, error.fix)
        return
    available = duck.available_memory()
    half = available // 2
    if wanted is not None and wanted > half:
        yield Problem(
            f"TRASPASO_MEMORY_LIMIT asks for {_gb(wanted)}; DuckDB gets {_gb(half)}, half of what "
            "this machine or container has",
            f"export TRASPASO_MEMORY_LIMIT={half // 1_000_000}MB, or give it more memory",
            "warn",
        )
    if duck.memory_bytes() < duck.LEAST_MEMORY:
        yield Problem(
            f"DuckDB gets {duck.memory_bytes() // 1_000_000} MB: the proofs of a small file take "
            f"{duck.LEAST_MEMORY // 1_000_000} MB",
            "unset TRASPASO_MEMORY_LIMIT, for 256 MB"
            if half >= duck.LEAST_MEMORY
            else "give the machine or container more memory",
        )


def memory_limit(_look: Look) -> str:
    """Say how much memory DuckDB takes."""
    return f"{_gb(duck.memory_bytes())} for DuckDB, of {_gb(duck.available_memory())}"


def spill_folder(_look: Look) -> Problems:
    """Find a folder for spilling that cannot be made or written to."""
    folder = duck.spill_folder()
    nearest = _nearest(folder)
    fix = "export TRASPASO_TEMP_DIR=/folder/of/yours"
    if not nearest.is_dir():
        yield Problem(f"DuckDB cannot spill to {folder}: {nearest} is no folder", fix)
    elif not os.access(nearest, os.W_OK | os.X_OK):
        yield Problem(
            f"DuckDB cannot spill to {folder}: nothing can be written to {nearest}",
            f"chmod u+rwx {nearest}, or {fix}",
        )
    elif duck.is_in_memory(nearest):
        yield Problem(
            f"{folder} is in memory (tmpfs): what DuckDB spills there frees none",
            "export TRASPASO_TEMP_DIR= a folder on a disk",
            "warn",
        )


def spill_folder_used(_look: Look) -> str:
    """Say where DuckDB spills."""
    return str(duck.spill_folder())


def spill_disk(look: Look) -> Problems:
    """Find less room for spilling than could be needed."""
    folder = duck.spill_folder()
    free, needed = _free(folder), _spilled(look)
    if free < needed:
        yield Problem(
            f"{_gb(free)} free in {folder}, where DuckDB spills up to {_gb(needed)}, the size of "
            "the legacy's file",
            f"free {_gb(needed - free)} there, or export TRASPASO_TEMP_DIR=/larger/disk/folder",
        )


def spill_disk_free(look: Look) -> str:
    """Say how much room there is for spilling."""
    return f"{_gb(_free(duck.spill_folder()))} free; up to {_gb(_spilled(look))} may be needed"


def _spilled(look: Look) -> int:
    """Return how many bytes DuckDB could spill at most.

    What it holds back are rows of a few tables at a time, as many as are dirty, and what it spills
    is compressed as the file is: all of the file is never reached.
    """
    try:
        return look.settings.legacy_file.stat().st_size if look.settings.legacy_file else 0
    except OSError:
        # Said already, of the legacy.
        return 0


# --- programs -----------------------------------------------------------------------------------


def programs(look: Look) -> Problems:
    """Find that there is no pg_dump for this server."""
    try:
        pgclient.find_programs(server_major(look.conn))
    except TraspasoError as error:
        yield Problem(error.message, error.fix)


def program_version(look: Look) -> str:
    """Say which programs will be used."""
    found = pgclient.find_programs(server_major(look.conn))
    return f"pg_dump {found.version}, pg_restore of the same"
