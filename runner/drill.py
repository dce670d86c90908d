"""The proof of a backup: restored into a scratch database of the same server, and compared."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from runner import contents, pgclient
from runner.archive import Manifest, some
from runner.db import connect, server_major, sql_text
from runner.errors import StepFailed, Unreachable
from runner.plan import Plan

SCRATCH_PREFIX = "traspaso_scratch_"


def restore_and_compare(
    conn: psycopg.Connection,
    url: str,
    name: str,
    *,
    archive: pgclient.Archive,
    manifest: Manifest,
    plan: Plan,
    tell: contents.Tell,
) -> list[str]:
    """Restore into a scratch database of that name, compare every table, and drop it.

    Returns what could not be restored for lack of other schemas. Raises StepFailed where the
    archive does not hold what the manifest says.
    """
    with restored(conn, url, name, archive=archive, manifest=manifest, plan=plan) as (copy, left):
        contents.compare(copy, manifest, tell)
    return left


@contextmanager
def restored(
    conn: psycopg.Connection,
    url: str,
    name: str,
    *,
    archive: pgclient.Archive,
    manifest: Manifest,
    plan: Plan,
) -> Iterator[tuple[str, list[str]]]:
    """Restore into a scratch database of that name; drop it when the block is left.

    Gives its URL, and what could not be restored for lack of other schemas. Drops what killed
    processes left of such databases first.
    """
    _drop_leftovers(conn, plan.system)
    with _scratch_database(conn, url, name) as scratch_url:
        yield scratch_url, _restore(conn, scratch_url, archive, manifest, plan)


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
    locale = contents.rows(conn, "database_locale.sql", {})[0]
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


def _restore(
    conn: psycopg.Connection,
    url: str,
    archive: pgclient.Archive,
    manifest: Manifest,
    plan: Plan,
) -> list[str]:
    programs = pgclient.find_programs(server_major(conn))
    skipped = _prepare_scratch(url, manifest)
    complaints = pgclient.restore_into(
        programs,
        url,
        archive,
        entries=without_schemas(pgclient.table_of_contents(programs, archive), manifest["schemas"]),
        jobs=plan.backup.jobs,
        application_name=f"{manifest['id']}_restore",
    )
    failed = [c for c in complaints if not _is_about_outside(c.message, manifest["schemas"])]
    if failed:
        shown = some([complaint.message for complaint in failed])
        raise StepFailed(
            f"backup {manifest['id']} does not restore: {shown}",
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


def without_schemas(entries: list[str], schemas: list[str]) -> list[str]:
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
