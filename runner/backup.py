"""Backups: dumped in one snapshot, and counted only once restored elsewhere and compared.

A backup holds every schema that the system's phases can touch. The schema `traspaso` is not in
it: the record of what happened outlives a restore, and belongs to all systems of the database.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import IsolationLevel, sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from runner import archive, clean_up, contents, drill, onetable, pgclient, remote, state, vault
from runner.archive import DUMP, MANIFEST, SEALED_DUMP, Backup, Manifest, some
from runner.contents import Tell
from runner.db import connect, explain, server_major, server_version, sql_text, table_checksum
from runner.drill import SCRATCH_PREFIX
from runner.errors import Refused, StepFailed, UsageProblem
from runner.plan import CLEAN_UP_PHASE, Plan
from runner.settings import Settings

__all__ = ["MANIFEST", "SCRATCH_PREFIX", "Backup"]

_FORMAT = 1


def _silent(_table: str, _rows: int) -> None:
    """Tell nobody."""


# --- create -------------------------------------------------------------------------------------


def create(settings: Settings, plan: Plan, phase: int, *, tell: Tell = _silent) -> Backup:
    """Dump all that the plan's phases can touch, in one snapshot, with the sums of every table.

    `phase` is the last completed one. Encrypted with TRASPASO_BACKUP_KEY; refused without it where
    the plan marks a table as sensitive. Uploaded where TRASPASO_BACKUP_S3 is set. What a killed
    backup left is removed first. Raises StepFailed, with nothing left behind, when anything goes
    wrong; a backup that could not be uploaded is one all the same.
    """
    url = settings.require_run_target()
    secret = vault.read_secret(settings.backup_key) if settings.backup_key else None
    if secret is None and plan.sensitive_tables:
        raise vault.require_key(plan.sensitive_tables)
    place = remote.connect(settings.backup_s3)
    # Sorts by time; may name a folder, a session and a database.
    identifier = f"{plan.system}_{phase}_{datetime.now(UTC):%Y%m%d_%H%M%S}_{secrets.token_hex(2)}"
    final = settings.backup_dir / identifier
    with _troubles(settings), _session(url, plan, identifier) as conn:
        state.install(conn)
        _remove_partials(settings.backup_dir, plan.system, conn)
        with archive.partial_folder(settings.backup_dir, identifier) as folder:
            manifest = {"format": _FORMAT, "id": identifier, "system": plan.system, "phase": phase}
            own = None
            if secret is not None:
                own, key_file = vault.new(secret)
                (folder / vault.KEY_FILE).write_bytes(key_file)
                manifest["encryption"] = vault.describe(secret)
            into = folder / DUMP if own is None else _Sealer(own, folder / SEALED_DUMP)
            manifest |= _dump(conn, settings, plan, into, identifier, tell=tell)
            manifest |= archive.list_files(folder)
            if own is not None:
                manifest["seal"] = own.seal(manifest)
            archive.write_manifest(folder, manifest)
            folder.rename(final)
            archive.sync(settings.backup_dir)
        _record(conn, manifest, final)
        made = archive.describe(manifest, final)
        if place is None:
            return made
        return _upload(place, made, manifest, tell)


class _Sealer:
    """Encrypts what pg_dump writes into a pipe: its plain text never touches the disk."""

    def __init__(self, own: vault.Vault, path: Path) -> None:
        self._own = own
        self._path = path

    def __call__(self, pipe: IO[bytes]) -> None:
        with self._path.open("wb") as file:
            self._own.encrypt(pipe, file)
        archive.sync(self._path)


def _dump(
    conn: psycopg.Connection,
    settings: Settings,
    plan: Plan,
    into: pgclient.Archive,
    identifier: str,
    *,
    tell: Tell,
) -> Manifest:
    """Dump into a folder or a pipe and sum every table meanwhile, both in the same snapshot."""
    programs = pgclient.find_programs(server_major(conn))
    schemas = _schemas(conn, settings, plan)
    conn.isolation_level = IsolationLevel.REPEATABLE_READ
    conn.read_only = True
    with conn.transaction():
        snapshot = _one(conn, "select pg_catalog.pg_export_snapshot()")
        # No snapshot holds a sequence: read before the dump, it can only be further on in it.
        sequences = contents.sequences(conn, schemas)
        with pgclient.dumping(
            programs,
            settings.require_target(),
            into,
            schemas=schemas,
            snapshot=snapshot,
            jobs=plan.backup.jobs,
            lock_timeout_ms=plan.lock_timeout_ms,
            application_name=identifier,
        ) as has_failed:
            tables = []
            for schema, table in contents.tables(conn, schemas):
                if has_failed():
                    break
                found = table_checksum(conn, schema, table)
                tables.append(contents.table_entry(schema, table, found))
                tell(f"{schema}.{table}", found.rows)
    return {
        "created_at": datetime.now(UTC).isoformat(),
        "server_version": server_version(conn),
        "client_version": programs.version,
        "database": conn.info.dbname,
        "schemas": schemas,
        "extensions": contents.rows(conn, "backup_extensions.sql", {}),
        "tables": tables,
        "sequences": sequences,
    }


def _schemas(conn: psycopg.Connection, settings: Settings, plan: Plan) -> list[str]:
    needed = {settings.target_schema}
    if settings.legacy_url is None:
        needed.add(settings.legacy_schema)
    wanted = needed.union(plan.schemas.all)
    if state.status(conn, plan.system).switched:
        # What stands under the legacy names calls functions of ours.
        wanted.add("traspaso")
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


def _one(conn: psycopg.Connection, query: str) -> Any:
    row = conn.execute(sql.SQL(query)).fetchone()
    return row[0] if row else None


def _session(url: str, plan: Plan, name: str) -> psycopg.Connection:
    return connect(
        url, autocommit=True, lock_timeout_ms=plan.lock_timeout_ms, application_name=name
    )


# --- list ---------------------------------------------------------------------------------------


def backups(settings: Settings, system: str) -> list[Backup]:
    """Return the system's backups, oldest first: recorded, in the folder, or in S3."""
    url = settings.require_target()
    with _troubles(settings), connect(url, autocommit=True, read_only=True) as conn:
        known = {backup.id: backup for backup in recorded(conn, system)}
    for folder in archive.folders(settings.backup_dir, system):
        try:
            here = archive.describe(archive.read_manifest(folder), folder)
        except StepFailed:
            # `verify` says so; a list of the others is still of use.
            continue
        if here.id in known:
            here = replace(known[here.id], path=folder, present=True)
        known[here.id] = here
    if place := remote.connect(settings.backup_s3):
        _add_uploaded(known, settings, system, place)
    return sorted(known.values(), key=lambda backup: (backup.created_at, backup.id))


def _add_uploaded(
    known: dict[str, Backup], settings: Settings, system: str, place: remote.Remote
) -> None:
    uploaded = place.ids(system)
    for identifier in sorted(uploaded - set(known)):
        try:
            manifest = place.manifest(identifier)
        except remote.RemoteProblem:
            raise
        except StepFailed:
            continue
        found = archive.describe(manifest, settings.backup_dir / identifier)
        known[identifier] = replace(found, present=False)
    for identifier, backup in known.items():
        known[identifier] = replace(backup, uploaded=identifier in uploaded)


def recorded(conn: psycopg.Connection, system: str) -> list[Backup]:
    """Return the backups that the database knows of, oldest first; reads only."""
    if not state.is_installed(conn):
        return []
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            "select id, system, phase, path, bytes, sha256, created_at, verified_at,"
            " manifest ? 'encryption' as encrypted"
            " from traspaso.backups where system = %s order by created_at, id",
            [system],
        ).fetchall()
    return [
        Backup(**row | {"path": Path(row["path"])}, present=archive.is_here(Path(row["path"])))
        for row in found
    ]


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

    One that is only in S3 is fetched. The files are compared with their sha256 before: a damaged
    one is named, nothing restored. A backup that fails counts as not verified from then on; not
    one whose key is missing. The scratch database is always dropped; so are those of killed
    verifications.
    """
    url = settings.require_run_target()
    scratch = SCRATCH_PREFIX + identifier
    # Under the scratch database's name: that is how others see that somebody works for it.
    with _troubles(settings), _session(url, plan, scratch) as conn:
        state.install(conn)
        try:
            with _open(conn, settings, plan.system, identifier) as (manifest, dump):
                skipped = drill.restore_and_compare(
                    conn, url, scratch, archive=dump, manifest=manifest, plan=plan, tell=tell
                )
        except remote.RemoteProblem:
            raise
        except StepFailed as error:
            _set_verified(conn, identifier, verified_at=None, detail={"error": error.message})
            raise
        verified_at = datetime.now(UTC)
        detail = {"tables": len(manifest["tables"]), "not_restored": skipped}
        _set_verified(conn, identifier, verified_at=verified_at, detail=detail)
    folder = settings.backup_dir / identifier
    return replace(archive.describe(manifest, folder), verified_at=verified_at)


@contextmanager
def scratch_copy(settings: Settings, plan: Plan, identifier: str) -> Iterator[str]:
    """Restore a backup into a scratch database; give its URL, drop it when the block is left."""
    url = settings.require_run_target()
    scratch = SCRATCH_PREFIX + identifier
    with (
        _troubles(settings),
        _session(url, plan, scratch) as conn,
        _open(conn, settings, plan.system, identifier) as (manifest, dump),
        drill.restored(conn, url, scratch, archive=dump, manifest=manifest, plan=plan) as (copy, _),
    ):
        yield copy


@contextmanager
def scratch_folder(settings: Settings, system: str) -> Iterator[Path]:
    """Give a folder beside the backups that is deleted when the block is left.

    What a killed process leaves of it, the next backup deletes.
    """
    with archive.partial_folder(
        settings.backup_dir, f"{system}_0_{secrets.token_hex(4)}"
    ) as folder:
        yield folder


@contextmanager
def _open(
    conn: psycopg.Connection, settings: Settings, system: str, identifier: str
) -> Iterator[tuple[Manifest, pgclient.Archive]]:
    """Give a backup's manifest and archive, once its files are intact and its key fits.

    It is fetched where it is only in S3; while the block lasts, `prune` spares it.
    """
    folder = _at_hand(conn, settings, system, identifier)
    with archive.in_use(folder):
        manifest = archive.intact_manifest(folder, _recorded_manifest(conn, identifier))
        own = vault.unlock(settings.backup_key, folder, manifest)
        _record(conn, manifest, folder)
        yield manifest, archive.dump_in(folder, own)


def _recorded_manifest(conn: psycopg.Connection, identifier: str) -> Manifest | None:
    row = conn.execute(
        "select manifest from traspaso.backups where id = %s", [identifier]
    ).fetchone()
    return row[0] if row else None


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


# --- S3 -----------------------------------------------------------------------------------------


def upload(settings: Settings, plan: Plan, identifier: str, *, tell: Tell = _silent) -> Backup:
    """Upload a backup to S3: the files that are not there yet, once all here are intact."""
    url = settings.require_run_target()
    place = remote.connect(settings.backup_s3)
    if place is None:
        raise UsageProblem(
            "TRASPASO_BACKUP_S3 is not set", "export TRASPASO_BACKUP_S3=s3://bucket/prefix"
        )
    with _troubles(settings), _session(url, plan, f"{identifier}_upload") as conn:
        state.install(conn)
        folder = _here(settings, plan.system, identifier)
        manifest = archive.intact_manifest(folder, _recorded_manifest(conn, identifier))
        _record(conn, manifest, folder)
        known = {backup.id: backup for backup in recorded(conn, plan.system)}
        return _upload(place, known[identifier], manifest, tell)


def _upload(place: remote.Remote, backup: Backup, manifest: Manifest, tell: Tell) -> Backup:
    try:
        with archive.in_use(backup.path):
            place.upload(backup.path, manifest, lambda path, _bytes: tell(path, 0))
    except (StepFailed, UsageProblem) as error:
        failed = StepFailed(
            f"backup {backup.id} is in {backup.path}, but not uploaded: {error.message}",
            f"{error.fix}; then: traspaso backup {backup.system} upload {backup.id}",
        )
        failed.payload = {"backups": [backup.to_json()]}
        raise failed from error
    return replace(backup, uploaded=True)


def _here(settings: Settings, system: str, identifier: str) -> Path:
    folder = settings.backup_dir / identifier
    if archive.is_id(system, identifier) and archive.is_here(folder):
        return folder
    raise UsageProblem(
        f"there is no backup {identifier} of {system} in {settings.backup_dir}",
        f"traspaso backup {system} list; its folder is TRASPASO_BACKUP_DIR",
    )


def _at_hand(conn: psycopg.Connection, settings: Settings, system: str, identifier: str) -> Path:
    """Return a backup's folder, fetched from S3 where it is only there."""
    place = remote.connect(settings.backup_s3)
    folder = settings.backup_dir / identifier
    if (
        place is None
        or not archive.is_id(system, identifier)
        or archive.is_here(folder)
        or identifier not in place.ids(system)
    ):
        return _here(settings, system, identifier)
    _remove_partials(settings.backup_dir, system, conn)
    with archive.partial_folder(settings.backup_dir, identifier) as fetched:
        place.download(identifier, fetched, lambda _path, _bytes: None)
        fetched.rename(folder)
        archive.sync(settings.backup_dir)
    return folder


# --- prune --------------------------------------------------------------------------------------


def prunable(
    settings: Settings, system: str, *, keep: int | None = None, days: int | None = None
) -> list[Backup]:
    """Return what `prune` would delete, oldest first.

    `keep` spares that many of the newest, `days` spares the younger ones; with both, only what
    neither spares goes. In any case stay: the newest verified backup of each phase, wherever it
    is, and the newest of those at hand; one that a running command uses. Raises UsageProblem
    when neither is given.
    """
    if keep is None and days is None:
        raise UsageProblem(
            "say what to keep: --keep N, --days N or both",
            f"traspaso backup {system} prune --keep 3, or backup.retention in the plan",
        )
    found = backups(settings, system)
    spared = {backup.id for backup in found[max(len(found) - (keep or 0), 0) :]}
    if days is not None:
        oldest = datetime.now(UTC) - timedelta(days=days)
        spared |= {backup.id for backup in found if backup.created_at >= oldest}
    verified = [backup for backup in found if backup.verified_at]
    at_hand = [backup for backup in verified if backup.present or backup.uploaded]
    for those in (verified, at_hand):
        spared |= {backup.id for backup in {b.phase: b for b in those}.values()}
    url = settings.require_target()
    with _troubles(settings), connect(url, autocommit=True, read_only=True) as conn:
        sessions = _sessions(conn)
    return [b for b in found if b.id not in spared and not any(b.id in s for s in sessions)]


def _sessions(conn: psycopg.Connection) -> list[str]:
    """Return the names of all sessions: that of a command names the backup that it uses."""
    query = "select application_name from pg_catalog.pg_stat_activity where application_name <> ''"
    return [row[0] for row in conn.execute(query)]


def prune(
    settings: Settings, system: str, *, keep: int | None = None, days: int | None = None
) -> list[Backup]:
    """Delete what `prunable` names, here and in S3; return what was deleted."""
    url = settings.require_run_target()
    place = remote.connect(settings.backup_s3)
    deleted = []
    doomed = prunable(settings, system, keep=keep, days=days)
    with _troubles(settings), connect(url, autocommit=True) as conn:
        for backup in doomed:
            if backup.present and not archive.retire(backup.path):
                continue
            if backup.uploaded and place is not None:
                place.delete(backup.id)
            if state.is_installed(conn):
                conn.execute(
                    "delete from traspaso.backups where id = %s and system = %s",
                    [backup.id, system],
                )
            deleted.append(backup)
    return deleted


def _remove_partials(backup_dir: Path, system: str, conn: psycopg.Connection) -> None:
    """Delete the folders that killed commands of the system left, and end their dumps."""
    for folder in archive.abandoned(backup_dir, system):
        conn.execute(
            "select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity"
            " where application_name = %s",
            [folder.name.removeprefix(archive.PARTIAL)],
        )
        archive.delete(folder)


# --- restore ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Restored:
    """One table that was restored, and where; `exact` says that its checksum is the backup's."""

    backup_id: str
    schema: str
    table: str
    rows: int
    exact: bool


def restore(settings: Settings, plan: Plan, identifier: str, *, yes: bool) -> Backup:
    """Put the target database back to what the backup holds, in one transaction.

    Only before phase 1, or once rolled back to 0: what the phases made depends on the tables
    that a restore replaces. After phase 5 its backup brings back what that phase dropped, and the
    Spanish tables stay as they are. Raises Refused, with what to type, otherwise, and without
    `yes`.
    """
    url = settings.require_run_target()
    command = f"traspaso backup {plan.system} restore {identifier} --yes"
    session = f"{identifier}_restore"
    with (
        _troubles(settings),
        _session(url, plan, session) as conn,
        state.operator_lock(conn, plan.system),
    ):
        state.install(conn)
        with _open(conn, settings, plan.system, identifier) as (manifest, dump):
            cleaned_up = _was_cleaned_up(conn, plan, manifest)
            if cleaned_up and plan.reads_file:
                raise Refused(
                    f"phase {CLEAN_UP_PHASE} dropped no rows of {plan.system}: what compared it "
                    "with the file is made again from the file",
                    f"traspaso rollback {plan.system} --to 4 --yes; the rows of a table come back "
                    "with --table NAME",
                )
            held = clean_up.dropped_part(manifest, plan) if cleaned_up else manifest
            if not cleaned_up:
                _refuse_dependents(conn, settings, plan, manifest, command)
            if not yes:
                rows = sum(entry["rows"] for entry in held["tables"])
                raise Refused(
                    f"this replaces {len(held['tables'])} tables of {conn.info.dbname} by "
                    f"their {rows:,} rows of {manifest['created_at'][:19]} UTC",
                    command,
                )
            programs = pgclient.find_programs(server_major(conn))
            schemas = [
                row[0] for row in conn.execute("select nspname from pg_catalog.pg_namespace")
            ]
            entries = drill.without_schemas(pgclient.table_of_contents(programs, dump), schemas)
            if cleaned_up:
                entries = [each for each in entries if clean_up.is_dropped(each, settings, plan)]
            pgclient.replay(
                programs,
                url,
                dump,
                entries=entries,
                lock_timeout_ms=plan.lock_timeout_ms,
                application_name=session,
                afterwards=clean_up.note_restored(conn, settings, plan) if cleaned_up else "",
            )
            contents.compare(url, held, _silent)
    return archive.describe(manifest, settings.backup_dir / identifier)


def restore_table(
    settings: Settings,
    plan: Plan,
    identifier: str,
    table: str,
    *,
    into: str | None = None,
    yes: bool = False,
) -> Restored:
    """Put back the rows of one table, or copy it into a schema of its own, in one transaction.

    `table` is in the legacy schema unless it is written `schema.table`. No other table is touched.
    Raises Refused, with what to do instead, where that cannot be, and without `yes` in place.
    """
    url = settings.require_run_target()
    with (
        _troubles(settings),
        _session(url, plan, f"{identifier}_restore") as conn,
        state.operator_lock(conn, plan.system),
    ):
        state.install(conn)
        with _open(conn, settings, plan.system, identifier) as (manifest, dump):
            programs = pgclient.find_programs(server_major(conn))
            source = onetable.find(programs, dump, manifest, table, settings.legacy_schema)
            if into is not None:
                _refuse_schema(conn, settings, plan, source, into)
                exact = onetable.copy_beside(conn, source, into)
                return Restored(identifier, into, source.name[1], source.entry["rows"], exact)
            if not yes:
                raise Refused(
                    f"this replaces the rows of {source} by its {source.entry['rows']:,} rows of "
                    f"{manifest['created_at'][:19]} UTC",
                    f"traspaso backup {plan.system} restore {identifier} --table {table} --yes",
                )
            onetable.put_back(conn, source, manifest)
            return Restored(identifier, *source.name, source.entry["rows"], exact=True)


def _refuse_schema(
    conn: psycopg.Connection,
    settings: Settings,
    plan: Plan,
    source: onetable.Source,
    into: str,
) -> None:
    """Refuse to put a copy where the application or the migration would take it for its own."""
    taken = {settings.legacy_schema, settings.target_schema, "traspaso", "information_schema"}
    taken |= set(plan.schemas.all)
    fix = f"choose another schema, for example {source.other_way}"
    if into in taken or into.startswith("pg_"):
        raise Refused(f"the schema {into} is no place for a copy", fix)
    if (into, source.name[1]) in contents.tables(conn, [into]):
        raise Refused(
            f"{into}.{source.name[1]} exists already", f"drop it when it is of no use; or {fix}"
        )


def _was_cleaned_up(conn: psycopg.Connection, plan: Plan, manifest: Manifest) -> bool:
    """Whether phase 5 is done, and this the backup that it made."""
    done = state.status(conn, plan.system).phase
    return done == CLEAN_UP_PHASE and int(manifest["phase"]) == CLEAN_UP_PHASE


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
        for schema, table in contents.tables(
            conn, [settings.target_schema, plan.schemas.staging, plan.schemas.compat]
        )
        if (schema, table) not in held
        and (schema != settings.target_schema or table in plan.target_tables)
    ]
    if made_since:
        raise Refused(f"made since the backup: {some(made_since)}", fix)
    if manifest["phase"] > 0 and state.status(conn, plan.system).phase is not None:
        raise Refused(
            f"{manifest['id']} holds Spanish tables, of phase {manifest['phase']}, that the "
            "journal here does not know",
            f"restore a backup of phase 0 (traspaso backup {plan.system} list), or restore this "
            "one into an empty database",
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
def _troubles(settings: Settings) -> Iterator[None]:
    """Turn errors of the database and of the disk into what the operator can do about them."""
    try:
        yield
    except psycopg.Error as error:
        raise explain(error, settings.target_url) from error
    except OSError as error:
        raise StepFailed(
            f"the backup folder cannot be used: {error.strerror}: "
            f"{error.filename or settings.backup_dir}",
            "free space there, check its rights, or set TRASPASO_BACKUP_DIR to another folder",
        ) from error
