"""What must hold before a system is moved: every problem at once, each with its fix; reads only."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import psycopg
from psycopg.pq import TransactionStatus

from runner.db import explain, server_version
from runner.errors import StepFailed
from runner.plan import Plan
from runner.preflight import connection, legacy, names, others, server, space
from runner.preflight.look import Look, Looker, Status
from runner.settings import Settings


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
    """Look at server, connection, legacy, names, privileges, disks and who else is there.

    A problem is a check that fails or warns; an error of the database is one failed check. Nothing
    can be written meanwhile, whatever the connection may do otherwise. Raises Unreachable when it
    is lost, UsageProblem when the dbt project itself cannot be read.
    """
    look = Look(settings, plan, conn)
    try:
        if conn.autocommit and conn.info.transaction_status == TransactionStatus.IDLE:
            look.shares_sessions = connection.shares_sessions(conn, settings.require_target())
        with _read_only(conn):
            lookers = _LOOKERS | (_FILE_LOOKERS if plan.reads_file else {})
            return tuple(
                check for name, looker in lookers.items() for check in _answers(name, looker, look)
            )
    except psycopg.Error as error:
        raise explain(error, settings.target_url) from None


def require(system: str, found: Sequence[Check]) -> None:
    """Raise StepFailed when a check failed: names the first one, counts the others."""
    failed = [check for check in found if check.status == "fail"]
    if not failed:
        return
    left = len(failed) - 1
    more = f" (and {left} more problem{'s' if left > 1 else ''})" if left else ""
    raise StepFailed(
        f"preflight: {failed[0].detail}{more}",
        f"{failed[0].fix}; all problems at once: traspaso doctor {system}",
    )


@contextmanager
def _read_only(conn: psycopg.Connection) -> Iterator[None]:
    """Hold one transaction that cannot write; within a transaction of the caller, a savepoint."""
    if conn.info.transaction_status == TransactionStatus.IDLE:
        before = conn.read_only
        conn.read_only = True
        try:
            with conn.transaction():
                yield
        finally:
            if not conn.closed:
                conn.read_only = before
        return
    with conn.transaction():
        conn.execute("set transaction read only")
        yield


def _answers(name: str, looker: Looker, look: Look) -> list[Check]:
    """Return the problems of one kind, or a pass; an error of the database is a problem too."""
    try:
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


# In this order they are shown; the first that fails is the one that `run` names.
_LOOKERS: dict[str, Looker] = {
    "server": Looker(server.version, lambda look: f"PostgreSQL {server_version(look.conn)}"),
    "encoding": Looker(server.encoding, "UTF8"),
    "time zone": Looker(server.timezone, server.timezones),
    "extensions": Looker(server.extensions, server.installed_extensions),
    "connection": Looker(connection.pooler, "no pooler in transaction mode"),
    "tls": Looker(connection.tls, connection.protection),
    "target schema": Looker(server.target_schema, lambda look: look.settings.target_schema),
    "legacy schema": Looker(legacy.schema, lambda look: look.settings.legacy_schema),
    "legacy tables": Looker(legacy.tables, lambda look: f"all {len(look.sources)} are there"),
    "missing columns": Looker(legacy.missing_columns, "none"),
    "unknown columns": Looker(legacy.unknown_columns, "none: a model reads every column"),
    "column types": Looker(legacy.column_types, "as the models expect them"),
    "row security": Looker(legacy.row_security, "hides no row from this role"),
    "privileges": Looker(names.privileges, lambda look: f"{look.role} has what is needed"),
    "change capture": Looker(legacy.others_tables, legacy.captured),
    "names": Looker(names.names, "those of the Spanish tables are free, or ours"),
    "partitions": Looker(names.partitions, names.partitioned),
    "reserved schemas": Looker(names.reserved_schemas, "free, or ours"),
    "backup folder": Looker(space.backup_folder, lambda look: str(look.settings.backup_dir)),
    "backup disk": Looker(space.backup_disk, space.backup_disk_free),
    "server disk": Looker(space.server_disk, space.server_disk_free),
    "client programs": Looker(space.programs, space.program_version),
    "other tables": Looker(legacy.other_tables, "none"),
    "primary keys": Looker(legacy.primary_keys, "every table has the one that the models use"),
    "triggers": Looker(legacy.rules, legacy.triggers),
    "publications": Looker(others.publications, "no legacy table is published or subscribed to"),
    "event triggers": Looker(others.event_triggers, "none"),
    "large objects": Looker(others.large_objects, "none"),
    "replication": Looker(others.replication, others.replicas),
    "transactions": Looker(others.transactions, "none is old, of those that this role may see"),
    "prepared transactions": Looker(others.prepared, "none"),
}

# Of a legacy that is a file, which DuckDB reads.
_FILE_LOOKERS: dict[str, Looker] = {
    "memory": Looker(space.memory, space.memory_limit),
    "spill folder": Looker(space.spill_folder, space.spill_folder_used),
    "spill disk": Looker(space.spill_disk, space.spill_disk_free),
}
