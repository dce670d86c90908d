"""What dbt read of the project, kept for the next process: reading it again takes a second.

It is kept beside dbt's own cache, for one state of the project's files, of what they read from
the environment, and of the packages that read them. Whoever may write there may write the
project, too.
"""

import hashlib
import os
import pickle
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

_FILE = "manifest.pickle"
_FOLDERS = ("models", "macros", "seeds", "snapshots", "tests", "analyses")
_FILES = ("dbt_project.yml", "profiles.yml", "packages.yml", "dependencies.yml")
_PACKAGES = ("dbt-core", "dbt-adapters", "dbt-common", "dbt-postgres", "dbt-duckdb")


def state_of(project: Path, environment: Mapping[str, str]) -> str:
    """Return one text for all that dbt's reading of a project depends on."""
    digest = hashlib.sha256(f"{project}\n".encode())
    for package in _PACKAGES:
        digest.update(f"{package} {version(package)}\n".encode())
    for name, value in sorted(environment.items()):
        digest.update(f"{name}={value}\n".encode())
    for path in _project_files(project):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(project)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def load(folder: Path, state: str) -> Any:
    """Return dbt's manifest of this state, None where another one is kept, or none."""
    try:
        with (folder / _FILE).open("rb") as file:
            if file.readline().strip() != state.encode():
                return None
            from dbt.contracts.graph.manifest import Manifest

            return Manifest(**pickle.load(file))  # noqa: S301
    except (OSError, pickle.UnpicklingError, EOFError, ImportError, LookupError, AttributeError,
            TypeError, ValueError):  # fmt: skip
        # Whatever a file may raise that is cut off, or was written by another version.
        return None


def keep(folder: Path, state: str, manifest: Any) -> None:
    """Keep dbt's manifest of this state in place of the one that was kept."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        # Replaced at once: another process may be reading it.
        written = folder / f"{_FILE}.{os.getpid()}"
        written.write_bytes(f"{state}\n".encode() + pickle.dumps(_content(manifest)))
        written.replace(folder / _FILE)


def _content(manifest: Any) -> dict[str, Any]:
    """Return a manifest's fields by name, its indexes left out: it makes them again.

    Its own way to be pickled is by position, and mistakes one index for another.
    """
    names = [field.name for field in fields(manifest) if not field.name.startswith("_")]
    return {name: getattr(manifest, name) for name in names}


def _project_files(project: Path) -> Iterator[Path]:
    yield from (path for name in _FILES if (path := project / name).is_file())
    for folder in _FOLDERS:
        yield from sorted(path for path in (project / folder).rglob("*") if path.is_file())
