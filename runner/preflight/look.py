"""What the checks share: the database as they see it, and how a check says what it found."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from runner import legacy_file, project
from runner.db import sql_text
from runner.errors import Unreachable
from runner.plan import CREATE_PHASE, Plan
from runner.project import Mart, SourceTable
from runner.settings import Settings

STATE_SCHEMA = "traspaso"
TABLE_KINDS = frozenset("rp")

Status = Literal["pass", "warn", "fail"]


class Problem(NamedTuple):
    """Something that is not as it should be; `fix` is what to type or to do."""

    detail: str
    fix: str
    status: Status = "fail"


class Relation(NamedTuple):
    """A table or view of the legacy schema: pg_class.relkind, and its columns' types by name."""

    kind: str
    columns: dict[str, str]


def spelled(data_type: str) -> str:
    """Spell a type of DuckDB's as the server's format_type does."""
    text = data_type.lower()
    if text in {"varchar", "json"}:
        return "text" if text == "varchar" else text
    if text.startswith("decimal"):
        return text.replace("decimal", "numeric", 1)
    return {
        "double": "double precision", "float": "real", "hugeint": "numeric",
        "time": "time without time zone", "timestamp": "timestamp without time zone",
    }.get(text, text)  # fmt: skip


@dataclass
class Look:
    """One look at a database: each thing that several checks need is asked for once."""

    settings: Settings
    plan: Plan
    conn: psycopg.Connection
    sources: tuple[SourceTable, ...] = field(init=False)
    marts: tuple[Mart, ...] = field(init=False)
    # Whether a pooler mixes sessions; cannot be asked within a transaction.
    shares_sessions: bool = False
    # Why the legacy's file cannot be read.
    file_trouble: Unreachable | None = None

    def __post_init__(self) -> None:
        self.sources = project.sources(self.settings.project_dir, self.plan.system)
        self.marts = project.marts(self.settings.project_dir, self.plan.system)

    def rows(self, file: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return what a query finds; its error leaves a transaction of the caller as it was."""
        with self._undisturbed(), self.conn.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(sql_text(file), parameters).fetchall()

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        if self.conn.info.transaction_status == TransactionStatus.IDLE:
            yield
            return
        with self.conn.transaction():
            yield

    @property
    def role(self) -> str:
        """Who looks."""
        return self.conn.info.user

    @property
    def quoted_role(self) -> str:
        """Who looks, as it is written in a statement."""
        if re.fullmatch(r"[a-z_][a-z0-9_]*", self.role):
            return self.role
        return sql.Identifier(self.role).as_string(self.conn)

    @cached_property
    def server(self) -> dict[str, Any]:
        """What is asked of the server as a whole."""
        return self.rows("preflight_server.sql")[0]

    @cached_property
    def extensions(self) -> list[str]:
        """The extensions of the database, sorted."""
        return [row["extname"] for row in self.rows("preflight_extension_names.sql")]

    @cached_property
    def sizes(self) -> dict[str, Any]:
        """Bytes of the database and of what a backup holds, and where they are stored."""
        schemas = [
            self.settings.legacy_schema, self.settings.target_schema, self.plan.schemas.staging,
            self.plan.schemas.compat, self.plan.schemas.archive,
        ]  # fmt: skip
        return self.rows("preflight_sizes.sql", schemas=schemas)[0]

    @cached_property
    def replicas(self) -> list[dict[str, Any]]:
        """Who replicates this server."""
        return self.rows("preflight_replicas.sql")

    @property
    def own_schemas(self) -> list[str]:
        """The schemas that the phases make."""
        return [STATE_SCHEMA, self.plan.schemas.staging, self.plan.schemas.compat]

    @cached_property
    def schemas(self) -> frozenset[str]:
        """Which of the schemas that matter are there."""
        names = [self.settings.legacy_schema, self.settings.target_schema, *self.own_schemas]
        if self.plan.reads_file:
            names.remove(self.settings.legacy_schema)
        found = self.rows("preflight_schemas.sql", schemas=names)
        here = frozenset(row["nspname"] for row in found)
        return (
            here | {self.settings.legacy_schema} if self.plan.reads_file and self.legacy else here
        )

    @property
    def source_names(self) -> list[str]:
        """The legacy tables that the models read."""
        return [table.name for table in self.sources]

    @cached_property
    def legacy(self) -> Mapping[str, Relation]:
        """Every table and view of the legacy schema, by name."""
        if self.plan.reads_file:
            return self._in_file
        found: dict[str, Relation] = {}
        for row in self.rows("preflight_columns.sql", schema=self.settings.legacy_schema):
            relation = found.setdefault(row["relation"], Relation(row["kind"], {}))
            if row["column"] is not None:
                relation.columns[row["column"]] = row["type"]
        return found

    @property
    def _in_file(self) -> dict[str, Relation]:
        file = self.settings.legacy_file
        if file is None:
            return {}
        try:
            found = legacy_file.columns(file, self.settings.legacy_schema)
        except Unreachable as error:
            self.file_trouble = error
            return {}
        return {
            name: Relation("r", {column: spelled(kind) for column, kind in columns.items()})
            for name, columns in found.items()
        }

    @property
    def present(self) -> Iterator[tuple[SourceTable, Mapping[str, str]]]:
        """The expected tables that are there, with the types of their columns by name."""
        for table in self.sources:
            if table.name in self.legacy:
                yield table, self.legacy[table.name].columns

    @cached_property
    def tables(self) -> list[dict[str, Any]]:
        """Of each expected table that is there: its key, triggers, rules, row security."""
        if self.plan.reads_file:
            # What is asked here, a file has none of: triggers, rules, row-level security.
            return []
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
        """Name a legacy relation with its schema."""
        return f"{self.settings.legacy_schema}.{relation}"

    @property
    def sources_file(self) -> str:
        """The file that says what the legacy looks like."""
        system = self.plan.system
        return f"models/staging/{system}/{system}__sources.yml"


Problems = Iterator[Problem]


class Looker(NamedTuple):
    """How problems of one kind are found, and what is said when there is none."""

    find: Callable[[Look], Problems]
    praise: str | Callable[[Look], str]

    def said(self, look: Look) -> str:
        """Return what is said when there is no problem."""
        return self.praise if isinstance(self.praise, str) else self.praise(look)
