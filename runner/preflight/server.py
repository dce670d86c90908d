"""The server and the database as a whole."""

import re

import psycopg

from runner.catalog import some
from runner.db import server_major
from runner.preflight.look import Look, Problem, Problems

OLDEST_MAJOR, NEWEST_MAJOR = 14, 18

# What the loads are made of; the rest comes with any server.
_NEEDED_EXTENSIONS = ("plpgsql",)
_UTC_NAMES = frozenset({"utc", "etc/utc", "gmt", "etc/gmt", "zulu", "etc/zulu", "uct", "etc/uct"})
_WITHOUT_ZONE = re.compile(r"timestamp(\(\d\))? without time zone")


def version(look: Look) -> Problems:
    """Find a server that was never tried, or a replica."""
    major = server_major(look.conn)
    fix = f"use PostgreSQL {OLDEST_MAJOR} to {NEWEST_MAJOR}"
    if major < OLDEST_MAJOR:
        yield Problem(f"PostgreSQL {major} is too old", fix)
    if major > NEWEST_MAJOR:
        yield Problem(f"PostgreSQL {major} is newer than any that was tried", fix, "warn")
    if look.server["is_replica"]:
        yield Problem(
            "the server is a replica: nothing can be written to it",
            "put the primary's host into TRASPASO_TARGET_URL",
        )


def encoding(look: Look) -> Problems:
    """Find a database that cannot hold every character."""
    if look.server["encoding"] != "UTF8":
        yield Problem(
            f"the database is encoded in {look.server['encoding']}, not in UTF8",
            "move it to a database made with: create database … encoding 'UTF8' template template0",
        )


def timezone(look: Look) -> Problems:
    """Find a plan's zone that the server does not know, and columns that depend on its own.

    A legacy column without a time zone is copied as it is, next to others that staging turns into
    UTC (macros/types/utc_timestamp.sql): it says UTC only where the application wrote UTC.
    """
    zone = look.plan.window.timezone.key
    try:
        look.rows("preflight_timezone.sql", timezone=zone)
    except psycopg.errors.InvalidParameterValue:
        yield Problem(
            f"the server does not know the plan's time zone {zone}",
            "install the time zones of the server's system (tzdata)",
            "warn",
        )
    columns = _columns_without_zone(look)
    written_in = look.server["session_timezone"]
    if columns and not _is_utc(written_in):
        yield Problem(
            f"sessions start in {written_in}, and {some(columns)} have no time zone: they are "
            "copied as they are, beside columns that become UTC",
            "nothing to do if the application writes UTC into them; if it does not, have their "
            "staging models convert them",
            "warn",
        )


def timezones(look: Look) -> str:
    """Say in which zone sessions start."""
    return f"sessions start in {look.server['session_timezone']}"


def _columns_without_zone(look: Look) -> list[str]:
    return [
        f"{table.name}.{column.name}"
        for table, found in look.present
        for column in table.columns
        if _WITHOUT_ZONE.fullmatch(found.get(column.name, ""))
    ]


def _is_utc(zone: str | None) -> bool:
    return zone is None or zone.lower() in _UTC_NAMES


def extensions(look: Look) -> Problems:
    """Find an extension that is needed, and those that a scratch restore cannot create."""
    present = set(look.extensions)
    for name in _NEEDED_EXTENSIONS:
        if name not in present:
            yield Problem(f"the extension {name} is missing", f"create extension {name}")
    # The server reads a folder for this: only where there is something to look for.
    found = look.rows("preflight_extensions.sql") if present - set(_NEEDED_EXTENSIONS) else []
    gone = [f"{row['name']} {row['version']}" for row in found if not row["is_available"]]
    if gone:
        yield Problem(
            f"installed, but the server has no files for it: {some(gone)}: a backup that needs it "
            "does not restore elsewhere",
            "install its package on the server, or drop the extension if nothing uses it",
            "warn",
        )
    barred = [row["name"] for row in found if row["is_available"] and not row["may_create"]]
    if barred:
        yield Problem(
            f"{look.role} may not create {some(barred)} in a scratch database: tables that "
            "need it do not restore there, and the backup does not count as verified",
            "verify the backup as a superuser, if tables of the system use it",
            "warn",
        )


def installed_extensions(look: Look) -> str:
    """List what is installed."""
    return some(look.extensions)


def target_schema(look: Look) -> Problems:
    """Find a target schema that is not there."""
    if look.settings.target_schema != look.settings.legacy_schema:
        yield from absent(look, look.settings.target_schema, "TRASPASO_TARGET_SCHEMA")


def absent(look: Look, schema: str, variable: str) -> Problems:
    """Find a schema that is not there; `variable` names it."""
    if schema not in look.schemas:
        yield Problem(
            f"the schema {schema} does not exist in the database {look.conn.info.dbname}",
            f"check {variable} and the database at the end of TRASPASO_TARGET_URL",
        )
