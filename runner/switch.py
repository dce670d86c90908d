"""The switch's surroundings: what speaks against it, the way back from it, who uses the views.

The switch itself is one transaction of dbt's (macros/switch): it needs the models. The way back
needs what the switch left in the database: views that say what each legacy table must get.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from runner import project, state
from runner.capture import key_text
from runner.catalog import some
from runner.db import sql_text
from runner.errors import Refused, StepFailed
from runner.locks import keep_maintenance_off
from runner.plan import TRANSACTIONS_PHASE, Plan
from runner.settings import Settings

# What notes the writes to the Spanish tables from the switch on.
FINAL_TRIGGERS = ("traspaso_captura_final", "traspaso_captura_final_vaciado")

# How long a try to get the strong lock holds up the writers.
LOCK_MS = 450

# How long the weak lock waits, which nobody waits behind, for the server's own maintenance.
_MAINTENANCE_TIMEOUT = "5s"

# From this version on a view can read with the rights of whoever asks, as those in compat do
# when none of them is behind a view under a legacy name.
_SECURITY_INVOKER_SINCE = 150000

# How a legacy table gets what its view of the way back says.
_REPLAY = (
    (
        "delete from {legacy} as legacy using {back} as back"
        " where back.accion = 'd' and legacy.ctid = back.fila"
    ),
    (
        "update {legacy} as legacy set {values} from {back} as back"
        " where back.accion = 'u' and legacy.ctid = back.fila"
    ),
    (
        "insert into {legacy} ({names}) overriding system value"
        " select {names} from {back} where accion = 'i'"
    ),
)


@dataclass(frozen=True)
class Use:
    """When a role last used a view under its legacy name, by which application."""

    view_name: str
    kind: str
    role: str
    application: str
    used_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return its entry in the JSON answer of `status`."""
        return {
            "view": self.view_name,
            "kind": self.kind,
            "role": self.role,
            "application": self.application,
            "used_at": self.used_at.isoformat(timespec="seconds"),
        }

    def __str__(self) -> str:
        verb = "written" if self.kind == "write" else "read"
        return (
            f"{self.view_name} was last {verb} {self.used_at:%Y-%m-%d %H:%M} UTC by "
            f"{self.role} ({self.application or 'no application name'})"
        )


@dataclass
class Brought:
    """What the way back brought to the legacy tables, and what it kept aside in row_fates."""

    rows: dict[str, int] = field(default_factory=dict)
    aside: list[str] = field(default_factory=list)


def settings_now(conn: psycopg.Connection, settings: Settings, plan: Plan) -> Settings:
    """Return the settings with the schema in which the legacy tables are now."""
    if plan.reads_file or not state.status(conn, plan.system).switched:
        return settings
    return replace(settings, legacy_schema=plan.schemas.archive)


def require_possible(conn: psycopg.Connection, settings: Settings, plan: Plan) -> None:
    """Raise Refused, naming everything that would not come along with the switch."""
    found = conn.execute(
        sql_text("switch_obstacles.sql"),
        {
            "legacy_schema": settings.legacy_schema,
            "tables": [*plan.source_tables],
            "own_schemas": [plan.schemas.staging, plan.schemas.compat, "traspaso"],
            "archive": plan.schemas.archive,
            "compat": plan.schemas.compat,
        },
    ).fetchall()
    if found:
        raise Refused(
            "the switch would leave something behind: " + "; ".join(row[0] for row in found),
            "; ".join(dict.fromkeys(row[1] for row in found)),
        )


def uses(conn: psycopg.Connection, system: str) -> list[Use]:
    """Return who used the views under the legacy names, the last use of each."""
    row = conn.execute("select to_regclass('traspaso.uses') is not null").fetchone()
    if row is None or not row[0]:
        return []
    with conn.cursor(row_factory=class_row(Use)) as cursor:
        return cursor.execute(sql_text("uses.sql"), {"system": system}).fetchall()


def switch_back(conn: psycopg.Connection, settings: Settings, plan: Plan, run_id: str) -> Brought:
    """Bring what was written since the switch to the legacy tables, and put these back.

    One transaction; `conn` is in autocommit mode. What has no English form goes to row_fates.
    Raises StepFailed, with nothing done, where a legacy table does not take a row, or does not
    hold afterwards what the views showed; LockNotAvailable while somebody is in a transaction.
    """
    brought = Brought()
    with conn.transaction():
        _lock(conn, settings, plan)
        _name_all_keys(conn, settings, plan)
        _name_repaired_keys(conn, settings, plan)
        _name_children(conn, settings, plan)
        conn.execute("analyze traspaso.changes")
        with _writable(conn, plan):
            _replay(conn, settings, plan, brought)
            brought.aside = _leave_unparented(conn, settings, plan, run_id)
        _require_brought(conn, plan)
        brought.aside += _keep_aside(conn, plan, run_id)
        _move_back(conn, settings, plan)
        state.forget_steps(conn, plan.system, after=TRANSACTIONS_PHASE)
        state.mark_synced(conn, plan.system, range(TRANSACTIONS_PHASE + 1))
        conn.execute("delete from traspaso.uses where system = %s", [plan.system])
        # Those rows are in the legacy again, under ordinals of their own.
        conn.execute(
            "delete from traspaso.row_fates where system = %s and run_id = ''"
            " and source_key ~ '#[0-9]{10}$'",
            [plan.system],
        )
    return brought


def _names(schema: str, tables: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier(schema, table) for table in tables)


def _lock(conn: psycopg.Connection, settings: Settings, plan: Plan) -> None:
    """Keep everybody off the views and what is behind them; the server's maintenance first."""
    tables = sql.SQL(", ").join(
        [
            _names(plan.schemas.archive, plan.source_tables),
            _names(settings.target_schema, plan.target_tables),
        ]
    )
    set_timeout = sql.SQL("set local lock_timeout = {}")
    conn.execute(set_timeout.format(sql.Literal(_MAINTENANCE_TIMEOUT)))
    keep_maintenance_off(conn, plan.schemas.archive, plan.source_tables)
    keep_maintenance_off(conn, settings.target_schema, plan.target_tables)
    conn.execute(set_timeout.format(sql.Literal(f"{LOCK_MS}ms")))
    views = _names(settings.legacy_schema, plan.source_tables)
    conn.execute(sql.SQL("lock table {}, {} in access exclusive mode").format(views, tables))


def _name_all_keys(conn: psycopg.Connection, settings: Settings, plan: Plan) -> None:
    """Say of a table that was emptied which keys that were."""
    emptied = conn.execute(
        "select distinct source_table from traspaso.changes"
        " where system = %s and source_key is null",
        [plan.system],
    ).fetchall()
    keys = project.legacy_keys(settings.project_dir, plan.system)
    for (table,) in emptied:
        for schema in (plan.schemas.archive, plan.schemas.compat):
            conn.execute(
                sql_text("name_all_keys.sql").format(
                    system=sql.Literal(plan.system),
                    table=sql.Literal(table),
                    key=key_text("source", keys[table]),
                    relation=sql.Identifier(schema, table),
                )
            )


def _name_repaired_keys(conn: psycopg.Connection, settings: Settings, plan: Plan) -> None:
    """Look at the rows too whose key the views show otherwise, where that one was written."""
    for table, columns in project.legacy_keys(settings.project_dir, plan.system).items():
        shown = [
            sql.SQL("coalesce(rekeyed.shown ->> {}, {}::text, '')").format(
                sql.Literal(column), sql.Identifier("source", column)
            )
            for column in columns
        ]
        conn.execute(
            sql_text("name_repaired_keys.sql").format(
                system=sql.Literal(plan.system),
                table=sql.Literal(table),
                columns=sql.Literal([*columns]),
                key=key_text("source", columns),
                shown_key=sql.SQL("concat_ws(',', {})").format(sql.SQL(", ").join(shown)),
                relation=sql.Identifier(plan.schemas.archive, table),
            )
        )


def _name_children(conn: psycopg.Connection, settings: Settings, plan: Plan) -> None:
    """Look at the rows too that refer to a row that was written."""
    keys = project.legacy_keys(settings.project_dir, plan.system)
    for table, column, parent, _, _ in _references(conn, plan):
        conn.execute(
            sql_text("name_children.sql").format(
                system=sql.Literal(plan.system),
                table=sql.Literal(table),
                parent=sql.Literal(parent),
                column=sql.Identifier(column),
                key=key_text("source", keys[table]),
                relation=sql.Identifier(plan.schemas.archive, table),
            )
        )


def _references(conn: psycopg.Connection, plan: Plan) -> list[tuple[str, str, str, str, bool]]:
    """Return each legacy foreign key: table, column, parent, its column, whether it may be null."""
    return conn.execute(
        sql_text("archived_references.sql"),
        {"schema": plan.schemas.archive, "tables": [*plan.source_tables]},
    ).fetchall()


def _leave_unparented(
    conn: psycopg.Connection, settings: Settings, plan: Plan, run_id: str
) -> list[str]:
    """Take from a row that no view shows the parent that is gone, and name it."""
    keys = project.legacy_keys(settings.project_dir, plan.system)
    aside = []
    for table, column, parent, parent_column, nullable in _references(conn, plan):
        if not nullable:
            continue
        found = conn.execute(
            sql_text("unparented.sql").format(
                system=sql.Literal(plan.system),
                table=sql.Literal(table),
                kept_as=sql.Literal(f"{plan.schemas.archive}.{table}"),
                reason=sql.Literal(f"{column}:foreign_key"),
                key=key_text("source", keys[table]),
                column=sql.Identifier(column),
                relation=sql.Identifier(plan.schemas.archive, table),
                parent=sql.Identifier(plan.schemas.archive, parent),
                parent_column=sql.Identifier(parent_column),
                run_id=sql.Literal(run_id),
            )
        ).fetchall()
        aside += [f"{table} {key}: {column}" for (key,) in found]
    return aside


def _keep_aside(conn: psycopg.Connection, plan: Plan, run_id: str) -> list[str]:
    """Keep what has no English form in row_fates, and name it."""
    aside = []
    for table in plan.target_tables:
        found = conn.execute(
            sql_text("keep_aside.sql").format(
                system=sql.Literal(plan.system),
                table=sql.Literal(table),
                run_id=sql.Literal(run_id),
                aside=sql.Identifier(plan.schemas.compat, f"aparte_{table}"),
            )
        ).fetchall()
        aside += [
            f"{table} {key}: {', '.join(reason.partition(':')[0] for reason in reasons)}"
            for key, reasons in found
        ]
    return aside


@contextmanager
def _writable(conn: psycopg.Connection, plan: Plan) -> Iterator[None]:
    """Let rows come in any order, and as they are: foreign keys last, and no triggers."""
    where = {"schema": plan.schemas.archive, "tables": [*plan.source_tables]}
    keys = conn.execute(sql_text("switched_foreign_keys.sql"), where).fetchall()
    triggers = conn.execute(sql_text("switched_triggers.sql"), where).fetchall()

    def alter(table: str, action: str, name: str, rest: str = "") -> None:
        conn.execute(
            sql.SQL("alter table {} {} {} {}").format(
                sql.Identifier(plan.schemas.archive, table),
                sql.SQL(action),
                sql.Identifier(name),
                sql.SQL(rest),
            )
        )

    for table, name in keys:
        alter(table, "alter constraint", name, "deferrable initially deferred")
    for table, name, _ in triggers:
        alter(table, "disable trigger", name)
    yield
    conn.execute("set constraints all immediate")
    for table, name, enable in triggers:
        alter(table, enable, name)
    for table, name in keys:
        alter(table, "alter constraint", name, "not deferrable")


def _replay(conn: psycopg.Connection, settings: Settings, plan: Plan, brought: Brought) -> None:
    """Write to the legacy tables what the views of the way back say."""
    tables = [*reversed(plan.source_tables)]
    keys = project.legacy_keys(settings.project_dir, plan.system)
    for table in tables:
        conn.execute(
            sql.SQL("create temporary table {} on commit drop as select * from {}").format(
                _back(table), _way_back(plan, table)
            )
        )
    for table in tables:
        legacy = sql.Identifier(plan.schemas.archive, table)
        columns = [
            row[0]
            for row in conn.execute(
                sql_text("written_columns.sql"), {"schema": plan.schemas.archive, "table": table}
            )
        ]
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        settable = [name for name in columns if name not in keys[table]]
        given = {"legacy": legacy, "back": _back(table), "names": names}
        for statement in _REPLAY:
            values = sql.SQL(", ").join(
                sql.SQL("{0} = back.{0}").format(sql.Identifier(name)) for name in settable
            )
            try:
                done = conn.execute(sql.SQL(statement).format(**given, values=values))
            except psycopg.errors.IntegrityError as error:
                raise StepFailed(
                    f"{table} does not take what was written since the switch: "
                    f"{error.diag.message_primary}; {error.diag.message_detail or ''}",
                    "put that row right under its Spanish name, and say the same command again",
                    table=table,
                ) from error
            brought.rows[table] = brought.rows.get(table, 0) + done.rowcount


def _back(table: str) -> sql.Identifier:
    return sql.Identifier("pg_temp", f"regreso_{table}")


def _way_back(plan: Plan, table: str) -> sql.Identifier:
    return sql.Identifier(plan.schemas.compat, f"regreso_{table}")


def _require_brought(conn: psycopg.Connection, plan: Plan) -> None:
    """Prove the round trip: asked once more, the views of the way back find nothing to do."""
    left = {}
    for table in plan.source_tables:
        row = conn.execute(
            sql_text("unbrought.sql").format(
                back=_way_back(plan, table),
                legacy=sql.Identifier(plan.schemas.archive, table),
                name=sql.Literal(f'"{plan.schemas.archive}"."{table}"'),
            )
        ).fetchone()
        if row and row[0]:
            left[table] = f"{table} {row[1]}" + (f" and {row[0] - 1} more" if row[0] > 1 else "")
    if left:
        raise StepFailed(
            f"the legacy would not hold what was written since the switch: "
            f"{some([*left.values()])}",
            "nothing was done; the views regreso_* in the compat schema show what differs",
        )


def _move_back(conn: psycopg.Connection, settings: Settings, plan: Plan) -> None:
    sources = plan.source_tables
    _join_sequences(conn, settings, plan)
    conn.execute(sql.SQL("drop view {}").format(_names(settings.legacy_schema, sources)))
    drop_final_capture(conn, settings, plan)
    for table in plan.target_tables:
        function = f"captura_final_{plan.system}_{table}"[:63]
        conn.execute(sql.SQL("drop function {}()").format(sql.Identifier("traspaso", function)))
    drop_helpers(conn, plan)
    for table in sources:
        if conn.info.server_version >= _SECURITY_INVOKER_SINCE:
            conn.execute(
                sql.SQL("alter view {} set (security_invoker = true)").format(
                    sql.Identifier(plan.schemas.compat, table)
                )
            )
        conn.execute(
            sql.SQL("alter table {} set schema {}").format(
                sql.Identifier(plan.schemas.archive, table),
                sql.Identifier(settings.legacy_schema),
            )
        )
    row = conn.execute(
        "select exists (select 1 from pg_catalog.pg_class as c inner join"
        " pg_catalog.pg_namespace as n on n.oid = c.relnamespace where n.nspname = %s)",
        [plan.schemas.archive],
    ).fetchone()
    if row and not row[0]:
        conn.execute(sql.SQL("drop schema {}").format(sql.Identifier(plan.schemas.archive)))


def drop_final_capture(conn: psycopg.Connection, settings: Settings, plan: Plan) -> None:
    """Drop the triggers that note the writes to the Spanish tables."""
    for table in plan.target_tables:
        for trigger in FINAL_TRIGGERS:
            conn.execute(
                sql.SQL("drop trigger {} on {}").format(
                    sql.Identifier(trigger), sql.Identifier(settings.target_schema, table)
                )
            )


def drop_helpers(conn: psycopg.Connection, plan: Plan) -> None:
    """Drop what carries writes over, and the views of the way back."""
    helpers = [
        *(f"regreso_{table}" for table in plan.source_tables),
        *(f"aparte_{table}" for table in plan.target_tables),
    ]
    conn.execute(sql.SQL("drop view {}").format(_names(plan.schemas.compat, helpers)))
    functions = conn.execute(
        sql_text("compat_functions.sql"), {"schema": plan.schemas.compat}
    ).fetchall()
    conn.execute(
        sql.SQL("drop function {}").format(
            # The server quoted these names itself.
            sql.SQL(", ").join(sql.SQL(row[0]) for row in functions)
        )
    )


def _join_sequences(conn: psycopg.Connection, settings: Settings, plan: Plan) -> None:
    """Let the legacy's sequences go on from where those of the views stand."""
    found = conn.execute(
        sql_text("switched_sequences.sql"),
        {
            "archive": plan.schemas.archive,
            "legacy": settings.legacy_schema,
            "tables": [*plan.source_tables],
        },
    ).fetchall()
    for theirs_schema, theirs, schema, name in found:
        conn.execute(
            sql_text("join_sequences.sql").format(
                name=sql.Literal(f'"{schema}"."{name}"'),
                theirs=sql.Identifier(theirs_schema, theirs),
                mine=sql.Identifier(schema, name),
            )
        )
