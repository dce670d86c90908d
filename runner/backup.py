"""Backups: dumped in one snapshot, and counted only once restored elsewhere and compared.

A backup is a folder `<id>/` with pg_dump's directory format in `dump/` and `manifest.json`. It
holds every schema that the system's phases can touch. The schema `traspaso` is not in it: the
record of what happened outlives a restore, and belongs to all systems of the database.
"""

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import IsolationLevel, sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from runner import pgclient, state
from runner.db import (
    Checksum,
    connect,
    explain,
    server_major,
    server_version,
    sql_text,
    table_checksum,
)
from runner.errors import Refused, StepFailed, Unreachable, UsageProblem
from runner.plan import Plan
from runner.settings import Settings

MANIFEST = "manifest.json"
SCRATCH_PREFIX = "traspaso_scratch_"

# Told after each table that was summed: its name and its rows.
Tell = Callable[[str, int], None]
Manifest = dict[str, Any]

_DUMP = "dump"
_PARTIAL = ".partial_"
_FORMAT = 1
_BLOCK = 1 << 20
_SHOWN = 5


@dataclass(frozen=True)
class Backup:
    """One backup; `sha256` is that of its list of files, `present` says if its folder is here."""

    id: str
    system: str
    phase: int
    path: Path
    bytes: int
    sha256: str
    created_at: datetime
    verified_at: datetime | None
    present: bool

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
        }


def _silent(_table: str, _rows: int) -> None:
    """Tell nobody."""


# --- create -------------------------------------------------------------------------------------


def create(settings: Settings, plan: Plan, phase: int, *, tell: Tell = _silent) -> Backup:
    """Dump all that the plan's phases can touch, in one snapshot, with the sums of every table.

    `phase` is the last completed one. What a killed backup left is removed first. Raises
    StepFailed, with nothing left behind, when anything goes wrong.
    """
    url = settings.require_run_target()
    if settings.backup_key is not None:
        raise Refused(
            "TRASPASO_BACKUP_KEY is set, but backups are not encrypted yet",
            "unset TRASPASO_BACKUP_KEY and keep the backup folder on an encrypted disk",
        )
    # Sorts by time; may name a folder, a session and a database.
    identifier = f"{plan.system}_{phase}_{datetime.now(UTC):%Y%m%d_%H%M%S}_{secrets.token_hex(2)}"
    final = settings.backup_dir / identifier
    with _troubles(url), _session(url, plan, identifier) as conn:
        state.install(conn)
        _remove_partials(settings.backup_dir, plan.system, conn)
        with _partial_folder(settings.backup_dir, identifier) as folder:
            manifest = {"format": _FORMAT, "id": identifier, "system": plan.system, "phase": phase}
            manifest |= _dump(conn, settings, plan, folder / _DUMP, identifier, tell=tell)
            manifest |= _files(folder)
            _write(folder / MANIFEST, manifest)
            folder.rename(final)
            _sync(settings.backup_dir)
        _record(conn, manifest, final)
    return _backup(manifest, final)


def _dump(
    conn: psycopg.Connection,
    settings: Settings,
    plan: Plan,
    folder: Path,
    identifier: str,
    *,
    tell: Tell,
) -> Manifest:
    """Dump into `folder` and sum every table meanwhile, both in the same snapshot."""
    programs = pgclient.find_programs(server_major(conn))
    schemas = _schemas(conn, settings, plan)
    conn.isolation_level = IsolationLevel.REPEATABLE_READ
    conn.read_only = True
    with conn.transaction():
        snapshot = _one(conn, "select pg_catalog.pg_export_snapshot()")
        # No snapshot holds a sequence: read before the dump, it can only be further on in it.
        sequences = _sequences(conn, schemas)
        with pgclient.dumping(
            programs,
            settings.require_target(),
            folder,
            schemas=schemas,
            snapshot=snapshot,
            jobs=plan.backup.jobs,
            lock_timeout_ms=plan.lock_timeout_ms,
            application_name=identifier,
        ) as has_failed:
            tables = []
            for schema, table in _tables(conn, schemas):
                if has_failed():
                    break
                found = table_checksum(conn, schema, table)
                tables.append(_table_entry(schema, table, found))
                tell(f"{schema}.{table}", found.rows)
    return {
        "created_at": datetime.now(UTC).isoformat(),
        "server_version": server_version(conn),
        "client_version": programs.version,
        "database": conn.info.dbname,
        "schemas": schemas,
        "extensions": _rows(conn, "backup_extensions.sql", {}),
        "tables": tables,
        "sequences": sequences,
    }


def _schemas(conn: psycopg.Connection, settings: Settings, plan: Plan) -> list[str]:
    needed = {settings.target_schema}
    if settings.legacy_url is None:
        needed.add(settings.legacy_schema)
    wanted = needed | {plan.schemas.staging, plan.schemas.compat, plan.schemas.archive}
    found = conn.execute(
        "select nspname from pg_catalog.pg_namespace where nspname = any(%s) order by nspname",
        [[*wanted]],
    )
    schemas = [row[0] for row in found]
    if missing := sorted(needed - set(schemas)):
        raise StepFailed(
            f"the schema {missing[0]} does not exist",
            "check TRASPASO_TARGET_SCHEMA, TRASPASO_LEGACY_SCHEMA and the database in the URL",
        )
    return schemas


def _tables(conn: psycopg.Connection, schemas: list[str]) -> list[tuple[str, str]]:
    found = conn.execute(sql_text("backup_tables.sql"), {"schemas": schemas})
    return [(row[0], row[1]) for row in found]


def _table_entry(schema: str, table: str, found: Checksum) -> dict[str, Any]:
    return {"schema": schema, "table": table, "rows": found.rows, "checksum": found.checksum}


def _sequences(conn: psycopg.Connection, schemas: list[str]) -> list[dict[str, Any]]:
    return _rows(conn, "backup_sequences.sql", {"schemas": schemas})


def _rows(conn: psycopg.Connection, file: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(sql_text(file), parameters).fetchall()


def _one(conn: psycopg.Connection, query: str) -> Any:
    row = conn.execute(sql.SQL(query)).fetchone()
    return row[0] if row else None


def _session(url: str, plan: Plan, name: str) -> psycopg.Connection:
    return connect(
        url, autocommit=True, lock_timeout_ms=plan.lock_timeout_ms, application_name=name
    )


# --- list ---------------------------------------------------------------------------------------


def backups(settings: Settings, system: str) -> list[Backup]:
    """Return the system's backups, oldest first: those recorded, and those in the folder."""
    url = settings.require_target()
    with _troubles(url), connect(url, autocommit=True, read_only=True) as conn:
        known = {backup.id: backup for backup in recorded(conn, system)}
    for folder in _folders(settings.backup_dir, system):
        try:
            here = _backup(_read_manifest(folder), folder)
        except StepFailed:
            # `verify` says so; a list of the others is still of use.
            continue
        if here.id in known:
            here = replace(known[here.id], path=folder, present=True)
        known[here.id] = here
    return sorted(known.values(), key=lambda backup: (backup.created_at, backup.id))


def recorded(conn: psycopg.Connection, system: str) -> list[Backup]:
    """Return the backups that the database knows of, oldest first; reads only."""
    if not state.is_installed(conn):
        return []
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            "select id, system, phase, path, bytes, sha256, created_at, verified_at"
            " from traspaso.backups where system = %s order by created_at, id",
            [system],
        ).fetchall()
    return [
        Backup(**row | {"path": Path(row["path"])}, present=_is_here(Path(row["path"])))
        for row in found
    ]


def _is_here(folder: Path) -> bool:
    return (folder / MANIFEST).is_file()


def latest_verified(conn: psycopg.Connection, system: str) -> Backup | None:
    """Return the newest backup that was restored and compared; None when there is none."""
    return next((backup for backup in reversed(recorded(conn, system)) if backup.verified_at), None)


# --- verify -------------------------------------------------------------------------------------


def checksums_of(conn: psycopg.Connection, identifier: str) -> dict[str, str]:
    """Return `rows:checksum` of each table in a backup, by `schema.table`; reads only."""
    row = conn.execute(
        "select manifest -> 'tables' from traspaso.backups where id = %s", [identifier]
    ).fetchone()
    return {
        f"{entry['schema']}.{entry['table']}": f"{entry['rows']}:{entry['checksum']}"
        for entry in (row[0] if row else [])
    }


def verify(settings: Settings, plan: Plan, identifier: str, *, tell: Tell = _silent) -> Backup:
    """Restore a backup into a scratch database of the same server and compare every table.

    The files are compared with their sha256 before: a damaged one is named, nothing restored. A
    backup that fails counts as not verified from then on. The scratch database is always
    dropped; so are those of killed verifications.
    """
    url = settings.require_run_target()
    folder = _folder(settings, plan.system, identifier)
    scratch = SCRATCH_PREFIX + identifier
    # Under the scratch database's name: that is how others see that somebody works for it.
    with _troubles(url), _session(url, plan, scratch) as conn:
        state.install(conn)
        try:
            manifest = _intact_manifest(conn, folder)
            _record(conn, manifest, folder)
            _drop_leftovers(conn, plan.system)
            with _scratch_database(conn, url, scratch) as scratch_url:
                skipped = _restore_scratch(conn, scratch_url, folder, manifest, plan)
                _compare(scratch_url, manifest, tell)
        except StepFailed as error:
            _set_verified(conn, identifier, verified_at=None, detail={"error": error.message})
            raise
        verified_at = datetime.now(UTC)
        detail = {"tables": len(manifest["tables"]), "not_restored": skipped}
        _set_verified(conn, identifier, verified_at=verified_at, detail=detail)
    return replace(_backup(manifest, folder), verified_at=verified_at)


@contextmanager
def scratch_copy(settings: Settings, plan: Plan, identifier: str) -> Iterator[str]:
    """Restore a backup into a scratch database; give its URL, drop it when the block is left."""
    url = settings.require_run_target()
    folder = _folder(settings, plan.system, identifier)
    scratch = SCRATCH_PREFIX + identifier
    with _troubles(url), _session(url, plan, scratch) as conn:
        manifest = _intact_manifest(conn, folder)
        _drop_leftovers(conn, plan.system)
        with _scratch_database(conn, url, scratch) as scratch_url:
            _restore_scratch(conn, scratch_url, folder, manifest, plan)
            yield scratch_url


@contextmanager
def scratch_folder(settings: Settings, system: str) -> Iterator[Path]:
    """Give a folder beside the backups that is deleted when the block is left.

    What a killed process leaves of it, the next backup deletes.
    """
    with _partial_folder(settings.backup_dir, f"{system}_0_{secrets.token_hex(4)}") as folder:
        yield folder


def _intact_manifest(conn: psycopg.Connection, folder: Path) -> Manifest:
    """Return the manifest once every file is as it says; raises StepFailed, naming the damaged."""
    manifest = _read_manifest(folder)
    fix = "do not restore it; make a new one: traspaso backup {} create".format(manifest["system"])
    known = conn.execute(
        "select manifest from traspaso.backups where id = %s", [folder.name]
    ).fetchone()
    if manifest["id"] != folder.name or (known is not None and known[0] != manifest):
        raise StepFailed(f"{folder / MANIFEST} was changed since the backup was made", fix)
    found = {entry["path"]: entry for entry in _files(folder)["files"]}
    wanted = {entry["path"]: entry for entry in manifest["files"]}
    damaged = [
        f"{path} {'is missing' if path not in found else 'is damaged'}"
        for path, entry in wanted.items()
        if found.get(path) != entry
    ]
    damaged += [f"{path} does not belong to it" for path in found if path not in wanted]
    if damaged:
        raise StepFailed(f"backup {folder.name}: {_some(damaged)}", fix)
    return manifest


def _drop_leftovers(conn: psycopg.Connection, system: str) -> None:
    parameters = {"prefix": f"{SCRATCH_PREFIX}{system}_"}
    for row in conn.execute(sql_text("scratch_leftovers.sql"), parameters).fetchall():
        _drop_database(conn, row[0])


def _drop_database(conn: psycopg.Connection, name: str) -> None:
    statement = sql.SQL("drop database if exists {} with (force)")
    conn.execute(statement.format(sql.Identifier(name)))


@contextmanager
def _scratch_database(conn: psycopg.Connection, url: str, name: str) -> Iterator[str]:
    """Create a database that sorts and encodes as this one; drop it when the block is left."""
    _drop_database(conn, name)
    try:
        try:
            conn.execute(_create_database(conn, name))
        except psycopg.errors.InsufficientPrivilege:
            role = conn.info.user
            raise Unreachable(
                f"{role} may not create the scratch database that a backup is proved in",
                f"as an administrator: alter role {role} createdb",
            ) from None
        yield make_conninfo(url, dbname=name)
    finally:
        # A connection that is gone cannot drop it: the next verification will.
        with suppress(psycopg.OperationalError):
            _drop_database(conn, name)


def _create_database(conn: psycopg.Connection, name: str) -> sql.Composed:
    locale = _rows(conn, "database_locale.sql", {})[0]
    options = {
        "template": sql.Identifier("template0"),
        "encoding": sql.Literal(locale["encoding"]),
        "lc_collate": sql.Literal(locale["lc_collate"]),
        "lc_ctype": sql.Literal(locale["lc_ctype"]),
    }
    if locale["provider"] in {"i", "b"}:
        provider = {"i": "icu", "b": "builtin"}[locale["provider"]]
        options["locale_provider"] = sql.Identifier(provider)
        options[f"{provider}_locale"] = sql.Literal(locale["locale"])
    return sql.SQL("create database {} {}").format(
        sql.Identifier(name),
        sql.SQL(" ").join(
            sql.SQL("{} = {}").format(sql.SQL(option), value) for option, value in options.items()
        ),
    )


def _restore_scratch(
    conn: psycopg.Connection, url: str, folder: Path, manifest: Manifest, plan: Plan
) -> list[str]:
    """Restore into the scratch database; return what could not be, for lack of other schemas."""
    programs = pgclient.find_programs(server_major(conn))
    skipped = _prepare_scratch(url, manifest)
    complaints = pgclient.restore_into(
        programs,
        url,
        folder / _DUMP,
        entries=_without_schemas(
            pgclient.table_of_contents(programs, folder / _DUMP), manifest["schemas"]
        ),
        jobs=plan.backup.jobs,
        application_name=f"{folder.name}_restore",
    )
    failed = [c for c in complaints if not _is_about_outside(c.message, manifest["schemas"])]
    if failed:
        shown = _some([complaint.message for complaint in failed])
        raise StepFailed(
            f"backup {folder.name} does not restore: {shown}",
            f"correct it, then make a new one: traspaso backup {plan.system} create",
        )
    return skipped + [f"{c.statement} ({c.message})" for c in complaints]


def _prepare_scratch(url: str, manifest: Manifest) -> list[str]:
    """Create schemas and extensions; an extension that only one database may have is left out."""
    skipped = []
    with connect(url, autocommit=True) as scratch:
        places = [extension["nspname"] for extension in manifest["extensions"]]
        for schema in dict.fromkeys([*manifest["schemas"], *places]):
            if not schema.startswith("pg_"):
                statement = sql.SQL("create schema if not exists {}")
                scratch.execute(statement.format(sql.Identifier(schema)))
        for extension in manifest["extensions"]:
            statement = sql.SQL("create extension if not exists {} schema {}")
            names = sql.Identifier(extension["extname"]), sql.Identifier(extension["nspname"])
            try:
                scratch.execute(statement.format(*names))
            except (psycopg.errors.DatabaseError, psycopg.errors.InternalError) as error:
                skipped.append(f"EXTENSION {extension['extname']}: {error.diag.message_primary}")
    return skipped


def _without_schemas(entries: list[str], schemas: list[str]) -> list[str]:
    """Leave out the entries that create, or drop, schemas that are there already."""
    there = {f"SCHEMA - {schema} " for schema in schemas}

    def is_schema(entry: str) -> bool:
        description = re.sub(r"^\d+; \d+ \d+ ", "", entry)
        return any(description.startswith(name) for name in there)

    return [entry for entry in entries if not is_schema(entry)]


def _is_about_outside(message: str, schemas: list[str]) -> bool:
    """Say whether an object lacks something that is in none of the backup's schemas.

    A foreign key to `auth.users`, or a policy that calls `auth.uid()`, is in the dump and will
    be restored where these exist; a scratch database has no schema `auth`.
    """
    match = re.search(r'(?:schema|relation|function|type) "?([^".(]+)"?.* does not exist', message)
    return match is not None and match[1] not in schemas


def _compare(url: str, manifest: Manifest, tell: Tell) -> None:
    differences = []
    with connect(url, autocommit=True, read_only=True) as scratch:
        found = set(_tables(scratch, manifest["schemas"]))
        for entry in manifest["tables"]:
            schema, table = entry["schema"], entry["table"]
            if (schema, table) not in found:
                differences.append(f"{schema}.{table} is missing")
                continue
            restored = table_checksum(scratch, schema, table)
            if _table_entry(schema, table, restored) != entry:
                rows = f"{restored.rows} rows of {entry['rows']}"
                differences.append(f"{schema}.{table} differs ({rows})")
            tell(f"{schema}.{table}", restored.rows)
        differences += _behind(manifest["sequences"], _sequences(scratch, manifest["schemas"]))
    if differences:
        raise StepFailed(
            f"backup {manifest['id']} is not what was backed up: {_some(differences)}",
            f"make a new one: traspaso backup {manifest['system']} create",
        )


def _behind(wanted: list[dict[str, Any]], found: list[dict[str, Any]]) -> list[str]:
    """List the sequences that would draw a number again that was drawn before the backup."""

    def name(sequence: dict[str, Any]) -> str:
        return f"{sequence['schemaname']}.{sequence['sequencename']}"

    def is_behind(before: dict[str, Any], after: dict[str, Any]) -> bool:
        if before["last_value"] is None:
            return False
        ahead = (after.get("last_value") or 0) - before["last_value"]
        return after.get("last_value") is None or ahead * before["increment_by"] < 0

    restored = {name(sequence): sequence for sequence in found}
    return [
        f"{name(sequence)} is behind"
        for sequence in wanted
        if is_behind(sequence, restored.get(name(sequence), {}))
    ]


def _set_verified(
    conn: psycopg.Connection,
    identifier: str,
    *,
    verified_at: datetime | None,
    detail: dict[str, Any],
) -> None:
    conn.execute(
        "update traspaso.backups set verified_at = %s, verified_detail = %s where id = %s",
        [verified_at, Jsonb(detail), identifier],
    )


# --- prune --------------------------------------------------------------------------------------


def prunable(
    settings: Settings, system: str, *, keep: int | None = None, days: int | None = None
) -> list[Backup]:
    """Return what `prune` would delete, oldest first.

    `keep` spares that many of the newest, `days` spares the younger ones; with both, only what
    neither spares goes. The newest verified backup of each phase stays in any case. Raises
    UsageProblem when neither is given.
    """
    if keep is None and days is None:
        raise UsageProblem("prune needs --keep or --days", "add --keep 5, or --days 30, or both")
    found = backups(settings, system)
    spared = {backup.id for backup in found[len(found) - (keep or 0) :]}
    if days is not None:
        oldest = datetime.now(UTC) - timedelta(days=days)
        spared |= {backup.id for backup in found if backup.created_at >= oldest}
    spared |= {backup.id for backup in {b.phase: b for b in found if b.verified_at}.values()}
    return [backup for backup in found if backup.id not in spared]


def prune(
    settings: Settings, system: str, *, keep: int | None = None, days: int | None = None
) -> list[Backup]:
    """Delete what `prunable` names, and return it."""
    url = settings.require_run_target()
    doomed = prunable(settings, system, keep=keep, days=days)
    with _troubles(url), connect(url, autocommit=True) as conn:
        for backup in doomed:
            if backup.present:
                # Renamed first: half a backup must not look like one.
                partial = backup.path.with_name(_PARTIAL + backup.id)
                backup.path.rename(partial)
                _delete(partial)
            conn.execute(
                "delete from traspaso.backups where id = %s and system = %s", [backup.id, system]
            )
    return doomed


# --- restore ------------------------------------------------------------------------------------


def restore(settings: Settings, plan: Plan, identifier: str, *, yes: bool) -> Backup:
    """Put the target database back to what the backup holds, in one transaction.

    Only before phase 1, or once rolled back to 0: what the phases made depends on the tables
    that a restore replaces. Raises Refused, with what to type, otherwise, and without `yes`.
    """
    url = settings.require_run_target()
    folder = _folder(settings, plan.system, identifier)
    command = f"traspaso backup {plan.system} restore {identifier} --yes"
    session = f"{identifier}_restore"
    with (
        _troubles(url),
        _session(url, plan, session) as conn,
        state.operator_lock(conn, plan.system),
    ):
        state.install(conn)
        manifest = _intact_manifest(conn, folder)
        _refuse_dependents(conn, settings, plan, manifest, command)
        if not yes:
            rows = sum(entry["rows"] for entry in manifest["tables"])
            raise Refused(
                f"this replaces {len(manifest['tables'])} tables of {conn.info.dbname} by their "
                f"{rows:,} rows of {manifest['created_at'][:19]} UTC",
                command,
            )
        programs = pgclient.find_programs(server_major(conn))
        existing = [row[0] for row in conn.execute("select nspname from pg_catalog.pg_namespace")]
        pgclient.replay(
            programs,
            url,
            folder / _DUMP,
            entries=_without_schemas(
                pgclient.table_of_contents(programs, folder / _DUMP), existing
            ),
            lock_timeout_ms=plan.lock_timeout_ms,
            application_name=session,
        )
        _record(conn, manifest, folder)
        _compare(url, manifest, _silent)
    return next(backup for backup in backups(settings, plan.system) if backup.id == identifier)


def _refuse_dependents(
    conn: psycopg.Connection, settings: Settings, plan: Plan, manifest: Manifest, command: str
) -> None:
    fix = f"traspaso rollback {plan.system} --to 0 --yes, then {command}"
    begun = [step.phase for step in state.steps(conn, plan.system) if step.phase > 0]
    if begun:
        raise Refused(f"phase {max(begun)} of {plan.system} was begun after this backup", fix)
    held = {(entry["schema"], entry["table"]) for entry in manifest["tables"]}
    made_since = [
        f"{schema}.{table}"
        for schema, table in _tables(
            conn, [settings.target_schema, plan.schemas.staging, plan.schemas.compat]
        )
        if (schema, table) not in held
        and (schema != settings.target_schema or table in plan.target_tables)
    ]
    if made_since:
        raise Refused(f"made since the backup: {_some(made_since)}", fix)
    if manifest["phase"] > 0 and state.status(conn, plan.system).phase is not None:
        raise Refused(
            f"{manifest['id']} holds Spanish tables, of phase {manifest['phase']}, that the "
            "journal here does not know",
            f"restore a backup of phase 0 (traspaso backup {plan.system} list), or restore this "
            "one into an empty database",
        )


# --- folders and manifests ----------------------------------------------------------------------


@contextmanager
def _partial_folder(backup_dir: Path, identifier: str) -> Iterator[Path]:
    """Give a folder that is known for unfinished, and delete it unless it was renamed.

    It is locked as long as this process lives: nobody else takes it for a killed one's.
    """
    if not backup_dir.exists():
        backup_dir.mkdir(parents=True)
        backup_dir.chmod(0o700)
    folder = backup_dir / (_PARTIAL + identifier)
    folder.mkdir()
    folder.chmod(0o700)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield folder
    finally:
        if folder.exists():
            _delete(folder)
        os.close(handle)


def _remove_partials(backup_dir: Path, system: str, conn: psycopg.Connection) -> None:
    """Delete the folders that killed backups of the system left, and end their dumps."""
    for folder in backup_dir.glob(f"{_PARTIAL}{system}_[0-9]_*"):
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            conn.execute(
                "select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity"
                " where application_name = %s",
                [folder.name.removeprefix(_PARTIAL)],
            )
            _delete(folder)
        finally:
            os.close(handle)


def _delete(folder: Path) -> None:
    # A dump whose session was just ended may still write its last file.
    for _ in range(3):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
    raise StepFailed(f"{folder} cannot be deleted", "delete it by hand")


def _files(folder: Path) -> dict[str, Any]:
    """Return the files of a backup with their sha256, for us alone to read, and their totals.

    The total is that of the list in the form `sha256sum` prints.
    """
    files = [
        {
            "path": path.relative_to(folder).as_posix(),
            "bytes": path.stat().st_size,
            "sha256": _sha256(path),
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


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, manifest: Manifest) -> None:
    """Write the manifest to the disk, and make everything beside it private."""
    with path.open("w", encoding="utf-8") as file:
        json.dump(manifest, file, ensure_ascii=False, indent=2)
        file.flush()
        os.fsync(file.fileno())
    for entry in path.parent.rglob("*"):
        entry.chmod(0o700 if entry.is_dir() else 0o600)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _folders(backup_dir: Path, system: str) -> list[Path]:
    return sorted(path.parent for path in backup_dir.glob(f"{system}_[0-9]_*/{MANIFEST}"))


def _folder(settings: Settings, system: str, identifier: str) -> Path:
    folder = next((f for f in _folders(settings.backup_dir, system) if f.name == identifier), None)
    if folder is None:
        raise UsageProblem(
            f"there is no backup {identifier} of {system} in {settings.backup_dir}",
            f"traspaso backup {system} list; its folder is TRASPASO_BACKUP_DIR",
        )
    return folder


def _read_manifest(folder: Path) -> Manifest:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        _backup(manifest, folder)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StepFailed(
            f"{folder / MANIFEST} is damaged", f"do not restore it; move {folder} away"
        ) from None
    return dict(manifest)


def _backup(manifest: Manifest, folder: Path) -> Backup:
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
    )


def _record(conn: psycopg.Connection, manifest: Manifest, folder: Path) -> None:
    keys = ("id", "system", "phase", "bytes", "sha256", "created_at")
    parameters = {key: manifest[key] for key in keys}
    conn.execute(
        sql_text("record_backup.sql"),
        parameters | {"path": str(folder), "manifest": Jsonb(manifest)},
    )


# --- errors -------------------------------------------------------------------------------------


@contextmanager
def _troubles(url: str) -> Iterator[None]:
    """Turn errors of the database and of the disk into what the operator can do about them."""
    try:
        yield
    except psycopg.Error as error:
        raise explain(error, url) from error
    except OSError as error:
        raise StepFailed(
            f"the backup folder cannot be used: {error.strerror}: {error.filename}",
            "free space there, check its rights, or set TRASPASO_BACKUP_DIR to another folder",
        ) from error


def _some(things: list[str]) -> str:
    shown = "; ".join(things[:_SHOWN])
    more = len(things) - _SHOWN
    return f"{shown}; and {more} more" if more > 0 else shown
