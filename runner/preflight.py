"""What must hold before a system is moved: every problem at once, each with its fix; reads only."""

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import psycopg
from psycopg.rows import dict_row

from runner import pgclient, project
from runner.db import explain, server_major, server_version, sql_text
from runner.errors import StepFailed, TraspasoError
from runner.plan import CREATE_PHASE, Plan
from runner.project import Mart, SourceTable
from runner.settings import Settings, refuse_transaction_pooler

OLDEST_MAJOR, NEWEST_MAJOR = 14, 18
LONG_TRANSACTION = timedelta(minutes=15)

_STATE_SCHEMA = "traspaso"
_TABLE_KINDS = frozenset("rp")
_SHOWN = 5

Status = Literal["pass", "warn", "fail"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; `fix` is what to type or to do, empty for a pass.

    A check that finds several problems comes once for each of them, under the same name.
    """

    name: str
    status: Status
    detail: str
    fix: str = ""

    def to_json(self) -> dict[str, str]:
        """Return its entry in the JSON answer of `doctor`."""
        return asdict(self)


def checks(settings: Settings, plan: Plan, conn: psycopg.Connection) -> tuple[Check, ...]:
    """Look at server, legacy, names, privileges and backups; a problem is a check that fails.

    An error of the database is one failed check. Raises Unreachable when the connection is lost
    meanwhile, UsageProblem when the dbt project itself cannot be read.
    """
    look = _Look(settings, plan, conn)
    return tuple(
        check for name, looker in _LOOKERS.items() for check in _answers(name, looker, look)
    )


def require(system: str, found: Sequence[Check]) -> None:
    """Raise StepFailed when a check failed: names the first one, counts the others."""
    failed = [check for check in found if check.status == "fail"]
    if not failed:
        return
    others = len(failed) - 1
    more = f" (and {others} more problem{'s' if others > 1 else ''})" if others else ""
    raise StepFailed(
        f"preflight: {failed[0].detail}{more}",
        f"{failed[0].fix}; all problems at once: traspaso doctor {system}",
    )


class _Problem(NamedTuple):
    detail: str
    fix: str
    status: Status = "fail"


class _Relation(NamedTuple):
    kind: str
    columns: dict[str, str]


@dataclass
class _Look:
    """What the checks share, each asked for once."""

    settings: Settings
    plan: Plan
    conn: psycopg.Connection
    sources: tuple[SourceTable, ...] = field(init=False)
    marts: tuple[Mart, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.sources = project.sources(self.settings.project_dir, self.plan.system)
        self.marts = project.marts(self.settings.project_dir, self.plan.system)

    def rows(self, file: str, **parameters: Any) -> list[dict[str, Any]]:
        with self.conn.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(sql_text(file), parameters).fetchall()

    @cached_property
    def server(self) -> dict[str, Any]:
        return self.rows("preflight_server.sql")[0]

    @property
    def own_schemas(self) -> list[str]:
        return [_STATE_SCHEMA, self.plan.schemas.staging, self.plan.schemas.compat]

    @cached_property
    def schemas(self) -> frozenset[str]:
        """Which of the schemas that matter are there."""
        names = [self.settings.legacy_schema, self.settings.target_schema, *self.own_schemas]
        found = self.rows("preflight_schemas.sql", schemas=names)
        return frozenset(row["nspname"] for row in found)

    @property
    def source_names(self) -> list[str]:
        return [table.name for table in self.sources]

    @cached_property
    def legacy(self) -> Mapping[str, _Relation]:
        """Every table and view of the legacy schema, by name."""
        found: dict[str, _Relation] = {}
        for row in self.rows("preflight_columns.sql", schema=self.settings.legacy_schema):
            relation = found.setdefault(row["relation"], _Relation(row["kind"], {}))
            if row["column"] is not None:
                relation.columns[row["column"]] = row["type"]
        return found

    @property
    def present(self) -> Iterator[tuple[SourceTable, Mapping[str, str]]]:
        """The expected tables that are there, with the types of their columns by name."""
        for table in self.sources:
            if table.name in self.legacy:
                yield table, self.legacy[table.name].columns

    @cached_property
    def tables(self) -> list[dict[str, Any]]:
        return self.rows(
            "preflight_tables.sql", schema=self.settings.legacy_schema, tables=self.source_names
        )

    @cached_property
    def state_is_hidden(self) -> bool | None:
        """Whether there are recorded steps that this role may not read; None before any."""
        found = self.rows("preflight_state.sql")
        return not found[0]["is_readable"] if found else None

    @cached_property
    def steps(self) -> list[dict[str, Any]]:
        """The recorded steps of phase 1 and later; none where they may not be read."""
        if self.state_is_hidden is not False:
            return []
        return self.rows("preflight_steps.sql", system=self.plan.system, first_phase=CREATE_PHASE)

    @property
    def our_tables(self) -> set[str]:
        """The Spanish tables that phase 1 created here."""
        return {
            row["step"]
            for row in self.steps
            if row["phase"] == CREATE_PHASE and row["status"] == "done"
        }.intersection(self.plan.target_tables)

    def named(self, relation: str) -> str:
        return f"{self.settings.legacy_schema}.{relation}"

    @property
    def sources_file(self) -> str:
        system = self.plan.system
        return f"models/staging/{system}/{system}__sources.yml"


_Problems = Iterator[_Problem]


class _Looker(NamedTuple):
    """How problems of one kind are found, and what is said when there is none."""

    find: Callable[[_Look], _Problems]
    praise: str | Callable[[_Look], str]

    def said(self, look: _Look) -> str:
        return self.praise if isinstance(self.praise, str) else self.praise(look)


def _answers(name: str, looker: _Looker, look: _Look) -> list[Check]:
    """Return the problems of one kind, or a pass; an error of the database is a problem too."""
    try:
        # Where the caller is in a transaction, a savepoint: the next check works all the same.
        with look.conn.transaction():
            found = [
                Check(name, problem.status, problem.detail, problem.fix)
                for problem in looker.find(look)
            ]
            return found or [Check(name, "pass", looker.said(look))]
    except psycopg.Error as error:
        outcome = explain(error, look.settings.target_url)
        if look.conn.closed:
            raise outcome from None
        return [Check(name, "fail", outcome.message, outcome.fix)]


# --- the server ---------------------------------------------------------------------------------


def _server(look: _Look) -> _Problems:
    major = server_major(look.conn)
    fix = f"use PostgreSQL {OLDEST_MAJOR} to {NEWEST_MAJOR}"
    if major < OLDEST_MAJOR:
        yield _Problem(f"PostgreSQL {major} is too old", fix)
    if major > NEWEST_MAJOR:
        yield _Problem(f"PostgreSQL {major} is newer than any that was tried", fix, "warn")
    if look.server["is_replica"]:
        yield _Problem(
            "the server is a replica: nothing can be written to it",
            "put the primary's host into TRASPASO_TARGET_URL",
        )


def _encoding(look: _Look) -> _Problems:
    if look.server["encoding"] != "UTF8":
        yield _Problem(
            f"the database is encoded in {look.server['encoding']}, not in UTF8",
            "move it to a database made with: create database … encoding 'UTF8' template template0",
        )


def _pooler(look: _Look) -> _Problems:
    try:
        refuse_transaction_pooler(look.settings.require_target())
    except TraspasoError as error:
        yield _Problem(error.message, error.fix)


def _target_schema(look: _Look) -> _Problems:
    if look.settings.target_schema != look.settings.legacy_schema:
        yield from _absent(look, look.settings.target_schema, "TRASPASO_TARGET_SCHEMA")


def _absent(look: _Look, schema: str, variable: str) -> _Problems:
    if schema not in look.schemas:
        yield _Problem(
            f"the schema {schema} does not exist in the database {look.conn.info.dbname}",
            f"check {variable} and the database at the end of TRASPASO_TARGET_URL",
        )


# --- the legacy ---------------------------------------------------------------------------------


def _legacy_schema(look: _Look) -> _Problems:
    if look.settings.legacy_url is not None:
        yield _Problem(
            f"TRASPASO_LEGACY_URL is set, but {look.plan.title} is moved within one database",
            "unset TRASPASO_LEGACY_URL; TRASPASO_TARGET_URL names the database of both",
        )
    yield from _absent(look, look.settings.legacy_schema, "TRASPASO_LEGACY_SCHEMA")


def _legacy_tables(look: _Look) -> _Problems:
    if look.settings.legacy_schema not in look.schemas:
        # Said already: that each of its tables is missing would add nothing.
        return
    for name in look.source_names:
        found = look.legacy.get(name)
        if found is None:
            yield _Problem(
                f"the table {look.named(name)} is missing",
                "check TRASPASO_LEGACY_SCHEMA and the database at the end of TRASPASO_TARGET_URL",
            )
        elif found.kind not in _TABLE_KINDS:
            yield _Problem(
                f"{look.named(name)} is a view or a foreign table: a backup would not hold its "
                "rows",
                "set TRASPASO_LEGACY_SCHEMA to the schema of the tables themselves",
            )


def _missing_columns(look: _Look) -> _Problems:
    for table, found in look.present:
        for column in table.columns:
            if column.name not in found:
                yield _Problem(
                    f"the column {look.named(table.name)}.{column.name} is missing",
                    f"check the database; if it is right, take {column.name} out of "
                    f"{look.sources_file} and of the models that read it",
                )


def _unknown_columns(look: _Look) -> _Problems:
    system = look.plan.system
    for table, found in look.present:
        for name in found:
            if table.column(name) is None:
                yield _Problem(
                    f"no model reads the column {look.named(table.name)}.{name} "
                    f"({found[name]}): its values would be lost",
                    f"add it to {table.name} in {look.sources_file}, to "
                    f"stg_{system}__{table.name}.sql and to the marts it goes to",
                )


def _column_types(look: _Look) -> _Problems:
    for table, found in look.present:
        for column in table.columns:
            data_type = found.get(column.name)
            expected = canonical_type(column.data_type)
            if data_type is None or data_type == expected:
                continue
            detail = (
                f"the column {look.named(table.name)}.{column.name} is {data_type}, "
                f"expected {expected}"
            )
            if _family(data_type) == _family(expected):
                yield _Problem(
                    detail, "nothing to do: what a Spanish column cannot hold is quarantined",
                    "warn",
                )  # fmt: skip
            else:
                yield _Problem(
                    detail,
                    f"check the database; if it is right, change the data_type in "
                    f"{look.sources_file} and the models that read it",
                )


_SPELLINGS = {
    "bigserial": "bigint",
    "bool": "boolean",
    "char": "character",
    "decimal": "numeric",
    "float4": "real",
    "float8": "double precision",
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "serial": "integer",
    "smallserial": "smallint",
    "time": "time without time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "timetz": "time with time zone",
    "varchar": "character varying",
}
_TYPE = re.compile(
    r"(?P<word>[^(\[]+?) ?(?P<size>\([\d, ]+\))?(?P<zone> with(?:out)? time zone)?"
    r"(?P<array>(?:\[\])*)"
)


def canonical_type(data_type: str) -> str:
    """Spell a type as the server's format_type does: varchar(20) is character varying(20).

    A sequence as default is no part of the type: serial is integer.
    """
    text = " ".join(data_type.lower().split())
    match = _TYPE.fullmatch(text)
    if match is None:
        return text
    known = match["word"] if match["zone"] else _SPELLINGS.get(match["word"], match["word"])
    word, is_zoned, zone = f"{known}{match['zone'] or ''}".partition(" with")
    # A size comes before the zone: timestamp(3) without time zone.
    size = (match["size"] or "").replace(" ", "")
    return f"{word}{size}{is_zoned}{zone}{match['array']}"


def _family(data_type: str) -> str:
    """Name what types have in common that differ in size only; text is varchar without one."""
    bare = re.sub(r"\([\d,]+\)", "", data_type)
    return "text" if bare == "character varying" else bare


def _row_security(look: _Look) -> _Problems:
    role = look.conn.info.user
    for row in look.tables:
        if row["hides_rows"]:
            yield _Problem(
                f"row-level security hides rows of {look.named(row['relation'])} from {role}: "
                "they would be lost",
                f"connect as the owner, or: alter role {role} bypassrls",
            )


def _other_tables(look: _Look) -> _Problems:
    known = {*look.source_names, *look.plan.target_tables}
    others = [
        look.named(name)
        for name, found in look.legacy.items()
        if name not in known and found.kind in _TABLE_KINDS
    ]
    if others:
        yield _Problem(
            f"in no plan: {', '.join(others)}",
            "they stay as they are; one that must move needs a source, models and a phase",
            "warn",
        )


def _primary_keys(look: _Look) -> _Problems:
    without = [row["relation"] for row in look.tables if not row["has_primary_key"]]
    if without:
        yield _Problem(
            f"without a primary key: {', '.join(without)}",
            "nothing to do: rows of the same key are numbered",
            "warn",
        )


# --- what is there already ----------------------------------------------------------------------


def _hidden_state(look: _Look) -> _Problems:
    if look.state_is_hidden:
        yield _Problem(
            f"{look.conn.info.user} may not read traspaso.steps, so what traspaso made here is "
            "unknown",
            f"grant usage on schema traspaso to {look.conn.info.user}; "
            f"grant select on traspaso.steps to {look.conn.info.user}",
        )


def _names(look: _Look) -> _Problems:
    if look.state_is_hidden:
        yield from _hidden_state(look)
        return
    schema, ours = look.settings.target_schema, look.our_tables
    tables = set(look.plan.target_tables)
    indexes = {name for mart in look.marts for name in mart.indexes}
    for row in look.rows("preflight_names.sql", schema=schema, names=[*tables | indexes]):
        # The index of a table that is taken itself is not said again.
        if row["name"] not in ours and row["belongs_to"] not in tables:
            yield _Problem(
                f"the name {schema}.{row['name']} is taken by {row['kind']} that traspaso did not "
                "make",
                "rename it or drop it, or set TRASPASO_TARGET_SCHEMA to a schema of its own",
            )


def _reserved_schemas(look: _Look) -> _Problems:
    if look.state_is_hidden:
        yield from _hidden_state(look)
        return
    for schema in (look.plan.schemas.staging, look.plan.schemas.compat):
        if schema in look.schemas and not look.steps:
            yield _Problem(
                f"the schema {schema} is there, but {look.plan.title} was never begun here",
                "rename it or drop it: traspaso makes its own under this name",
            )


def _privileges(look: _Look) -> _Problems:
    for row in look.rows(
        "preflight_privileges.sql",
        own_schemas=look.own_schemas,
        legacy_schema=look.settings.legacy_schema,
        target_schema=look.settings.target_schema,
        legacy_tables=look.source_names,
        our_tables=[*look.our_tables],
    ):
        yield _Problem(f"{look.conn.info.user} lacks {row['detail']}", row["fix"])


# --- backups ------------------------------------------------------------------------------------


def _backup_folder(look: _Look) -> _Problems:
    folder = look.settings.backup_dir
    nearest = _nearest(folder)
    if not nearest.is_dir():
        yield _Problem(f"{nearest} is no folder", "set TRASPASO_BACKUP_DIR to one")
    elif not os.access(nearest, os.W_OK | os.X_OK):
        yield _Problem(
            f"nothing can be written to {folder}",
            f"chmod u+rwx {nearest}, or set TRASPASO_BACKUP_DIR to a folder of yours",
        )


def _nearest(folder: Path) -> Path:
    """Return the folder, or where there is none yet, what it would be made in."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _free_space(look: _Look) -> str:
    folder = look.settings.backup_dir
    return f"{folder}, {shutil.disk_usage(_nearest(folder)).free / 1e9:,.1f} GB free"


def _programs(look: _Look) -> _Problems:
    try:
        pgclient.find_programs(server_major(look.conn))
    except TraspasoError as error:
        yield _Problem(error.message, error.fix)


def _program_version(look: _Look) -> str:
    programs = pgclient.find_programs(server_major(look.conn))
    return f"pg_dump {programs.version}, pg_restore of the same"


# --- who else is there --------------------------------------------------------------------------


def _transactions(look: _Look) -> _Problems:
    for row in look.rows("preflight_transactions.sql", older_than=LONG_TRANSACTION):
        who = f"{row['usename']}, {row['application_name'] or 'without a name'}"
        yield _Problem(
            f"server process {row['pid']} ({who}) is in a transaction for "
            f"{row['seconds'] / 60:,.0f} minutes: it may hold locks",
            f"end it where it runs, or: select pg_terminate_backend({row['pid']})",
            "warn",
        )


def _prepared(look: _Look) -> _Problems:
    for row in look.rows("preflight_prepared.sql"):
        yield _Problem(
            f"the prepared transaction {row['gid']} of {row['owner']} may hold locks",
            f"commit prepared '{row['gid']}', or rollback prepared '{row['gid']}'",
            "warn",
        )


# --- all of them --------------------------------------------------------------------------------


def _none(_: _Look) -> _Problems:
    yield from ()


def _triggers(look: _Look) -> str:
    found = [f"{row['relation']}.{name}" for row in look.tables for name in row["triggers"]]
    return f"they stay as they are: {_some(found)}" if found else "none"


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more


# In this order they are shown; the first that fails is the one that `run` names.
_LOOKERS: dict[str, _Looker] = {
    "server": _Looker(_server, lambda look: f"PostgreSQL {server_version(look.conn)}"),
    "encoding": _Looker(_encoding, "UTF8"),
    "connection": _Looker(_pooler, "no pooler in transaction mode"),
    "target schema": _Looker(_target_schema, lambda look: look.settings.target_schema),
    "legacy schema": _Looker(_legacy_schema, lambda look: look.settings.legacy_schema),
    "legacy tables": _Looker(_legacy_tables, lambda look: f"all {len(look.sources)} are there"),
    "missing columns": _Looker(_missing_columns, "none"),
    "unknown columns": _Looker(_unknown_columns, "none: a model reads every column"),
    "column types": _Looker(_column_types, "as the models expect them"),
    "row security": _Looker(_row_security, "hides no row from this role"),
    "privileges": _Looker(_privileges, lambda look: f"{look.conn.info.user} has what is needed"),
    "names": _Looker(_names, "those of the Spanish tables are free, or ours"),
    "reserved schemas": _Looker(_reserved_schemas, "free, or ours"),
    "backup folder": _Looker(_backup_folder, _free_space),
    "client programs": _Looker(_programs, _program_version),
    "other tables": _Looker(_other_tables, "none"),
    "primary keys": _Looker(_primary_keys, "every table has one"),
    "triggers": _Looker(_none, _triggers),
    "transactions": _Looker(_transactions, "none is old, of those that this role may see"),
    "prepared transactions": _Looker(_prepared, "none"),
}
