"""Folders and manifests of backups: written whole or not at all, read with distrust.

A backup is a folder `<id>/` with `manifest.json` and pg_dump's archive: the directory format in
`dump/`, or, encrypted, the custom format in `dump.age` with its key in `key.age`.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

from runner.errors import StepFailed
from runner.vault import Vault

MANIFEST = "manifest.json"
DUMP = "dump"
SEALED_DUMP = "dump.age"
PARTIAL = ".partial_"

Manifest = dict[str, Any]

_SHOWN = 5


@dataclass(frozen=True)
class Backup:
    """One backup; `sha256` is that of its list of files.

    `present` says if its folder is here, `uploaded` if all of it is in S3 (None: not asked).
    """

    id: str
    system: str
    phase: int
    path: Path
    bytes: int
    sha256: str
    created_at: datetime
    verified_at: datetime | None
    present: bool
    encrypted: bool = False
    uploaded: bool | None = None

    @property
    def where(self) -> str:
        """Where it can be restored from: here, in S3, in both, or elsewhere."""
        places = {
            (True, True): "here, S3",
            (True, False): "here",
            (False, True): "S3",
            (False, False): "elsewhere",
        }
        return places[self.present, bool(self.uploaded)]

    def to_json(self) -> dict[str, Any]:
        """Return the entry of `traspaso --json backup SYSTEM list`."""
        return {
            "id": self.id,
            "phase": self.phase,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "verified": self.verified_at is not None,
            "verified_at": self.verified_at.isoformat() if self.verified_at else None,
            "created_at": self.created_at.isoformat(),
            "path": str(self.path),
            "present": self.present,
            "encrypted": self.encrypted,
            "uploaded": self.uploaded,
        }


def is_id(system: str, identifier: str) -> bool:
    """Whether this may name a backup of the system, and hence a folder."""
    return re.fullmatch(re.escape(system) + r"_[0-9]_[0-9a-z_]+", identifier) is not None


def folders(backup_dir: Path, system: str) -> list[Path]:
    """Return the folders of the system's whole backups."""
    return sorted(path.parent for path in backup_dir.glob(f"{system}_[0-9]_*/{MANIFEST}"))


def is_here(folder: Path) -> bool:
    """Whether a whole backup is there."""
    return (folder / MANIFEST).is_file()


def dump_in(folder: Path, vault: Vault | None) -> Path | Callable[[IO[bytes]], None]:
    """Return the archive in a backup's folder, in the form that `pgclient` reads."""
    return folder / DUMP if vault is None else partial(vault.decrypt, folder / SEALED_DUMP)


# --- writing ------------------------------------------------------------------------------------


@contextmanager
def partial_folder(backup_dir: Path, identifier: str) -> Iterator[Path]:
    """Give a folder that is known for unfinished, and delete it unless it was renamed.

    It is locked as long as this process lives: nobody else takes it for a killed one's.
    """
    if not backup_dir.exists():
        backup_dir.mkdir(parents=True)
        backup_dir.chmod(0o700)
    folder = backup_dir / (PARTIAL + identifier)
    folder.mkdir()
    folder.chmod(0o700)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield folder
    finally:
        if folder.exists():
            delete(folder)
        os.close(handle)


def abandoned(backup_dir: Path, system: str) -> Iterator[Path]:
    """Give the folders that killed commands of the system left, each locked meanwhile."""
    for folder in backup_dir.glob(f"{PARTIAL}{system}_[0-9]_*"):
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            yield folder
        finally:
            os.close(handle)


@contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """Keep `retire` away from a folder as long as the block lasts."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def retire(folder: Path) -> bool:
    """Delete a whole backup; False, with nothing done, where a command of this machine uses it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        # Renamed first: half a backup must not look like one.
        retired = folder.with_name(PARTIAL + folder.name)
        folder.rename(retired)
        delete(retired)
        return True
    finally:
        os.close(handle)


def delete(folder: Path) -> None:
    """Delete a folder. Raises StepFailed when it cannot be."""
    # A dump whose session was just ended may still write its last file.
    for _ in range(3):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
    raise StepFailed(f"{folder} cannot be deleted", "delete it by hand")


def list_files(folder: Path) -> dict[str, Any]:
    """Return the files of a backup with their sha256, and their totals.

    The total is that of the list in the form `sha256sum` prints.
    """
    files = [
        {
            "path": path.relative_to(folder).as_posix(),
            "bytes": path.stat().st_size,
            "sha256": sha256(path),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / MANIFEST
    ]
    listing = "".join(f"{file['sha256']}  {file['path']}\n" for file in files)
    return {
        "files": files,
        "bytes": sum(int(str(file["bytes"])) for file in files),
        "sha256": hashlib.sha256(listing.encode()).hexdigest(),
    }


def sha256(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest to the disk, and make everything beside it private."""
    with (folder / MANIFEST).open("w", encoding="utf-8") as file:
        file.write(_text(manifest))
        file.flush()
        os.fsync(file.fileno())
    for entry in folder.rglob("*"):
        entry.chmod(0o700 if entry.is_dir() else 0o600)
    sync(folder)


def _text(manifest: Manifest) -> str:
    return json.dumps(manifest, ensure_ascii=False, indent=2)


def sync(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# --- reading ------------------------------------------------------------------------------------


def read_manifest(folder: Path) -> Manifest:
    """Read a backup's manifest. Raises StepFailed where it is none, or not as it was written."""
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
        manifest = parse_manifest(text, folder)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StepFailed(
            f"{folder / MANIFEST} is damaged", f"do not restore it; move {folder} away"
        ) from None
    if text != _text(manifest):
        raise _changed(folder, manifest)
    return manifest


def parse_manifest(text: str, folder: Path) -> Manifest:
    """Read a manifest's text. Raises ValueError, KeyError, TypeError or AttributeError."""
    manifest = dict(json.loads(text))
    describe(manifest, folder)
    for entry in manifest["files"]:
        path = PurePosixPath(entry["path"])
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(entry["path"])
    return manifest


def describe(manifest: Manifest, folder: Path) -> Backup:
    """Return what a manifest says of its backup, which is in this folder."""
    return Backup(
        id=manifest["id"],
        system=manifest["system"],
        phase=manifest["phase"],
        path=folder,
        bytes=manifest["bytes"],
        sha256=manifest["sha256"],
        created_at=datetime.fromisoformat(manifest["created_at"]),
        verified_at=None,
        present=True,
        encrypted="encryption" in manifest,
    )


def intact_manifest(folder: Path, recorded: Manifest | None) -> Manifest:
    """Return the manifest once every file is as it says; raises StepFailed, naming the damaged.

    `recorded` is what the database knows of it, None where it does not know it.
    """
    manifest = read_manifest(folder)
    if manifest["id"] != folder.name or recorded not in (None, manifest):
        raise _changed(folder, manifest)
    now = list_files(folder)
    found = {entry["path"]: entry for entry in now["files"]}
    wanted = {entry["path"]: entry for entry in manifest["files"]}
    damaged = [
        f"{path} {'is missing' if path not in found else 'is damaged'}"
        for path, entry in wanted.items()
        if found.get(path) != entry
    ]
    damaged += [f"{path} does not belong to it" for path in found if path not in wanted]
    if damaged:
        raise StepFailed(f"backup {folder.name}: {some(damaged)}", _fix(manifest))
    is_sealed = "encryption" in manifest
    if any(manifest[key] != now[key] for key in now) or is_sealed != (SEALED_DUMP in found):
        raise _changed(folder, manifest)
    return manifest


def _changed(folder: Path, manifest: Manifest) -> StepFailed:
    message = f"{folder / MANIFEST} was changed since the backup was made"
    return StepFailed(message, _fix(manifest))


def _fix(manifest: Manifest) -> str:
    return f"do not restore it; make a new one: traspaso backup {manifest['system']} create"


def some(things: list[str]) -> str:
    """Name the first few, and how many more there are."""
    shown = "; ".join(things[:_SHOWN])
    more = len(things) - _SHOWN
    return f"{shown}; and {more} more" if more > 0 else shown
