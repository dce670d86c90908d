"""Phase 5: the legacy tables and the views under their names go, once nobody uses them."""

import re
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import sql

from runner import state, switch
from runner.archive import Manifest
from runner.catalog import some
from runner.db import sql_text
from runner.errors import Refused
from runner.plan import CLEAN_UP_PHASE, SWITCH_PHASE, Plan
from runner.rollback import drop_views
from runner.settings import Settings


def require_unused(conn: psycopg.Connection, plan: Plan) -> None:
    """Raise Refused while the stabilization period lasts, or a view was used within it."""
    period = timedelta(days=plan.stabilization_days)
    now = datetime.now(UTC)
    used = [use for use in switch.uses(conn, plan.system) if now - use.used_at < period]
    if used:
        raise Refused(
            f"the English names are still used: {some([str(use) for use in used])}",
            f"move those to the Spanish names; {plan.system} may be cleaned up when nobody used "
            f"them for {plan.stabilization_days} days: traspaso status {plan.system}",
        )
    step = state.phase_step(conn, plan.system, SWITCH_PHASE)
    switched = (step.finished_at if step else None) or now
    if now - switched < period:
        raise Refused(
            f"{plan.system} was switched {switched:%Y-%m-%d %H:%M} UTC, and its stabilization "
            f"period of {plan.stabilization_days} days is not over",
            f"wait until {switched + period:%Y-%m-%d %H:%M} UTC, or set stabilization_days in "
            f"the plan",
        )


def drop_legacy(conn: psycopg.Connection, settings: Settings, plan: Plan) -> None:
    """Drop the legacy tables, the views under their names and what stands between them.

    In the caller's transaction. The capture's functions stay in the schema traspaso, and so does
    what they noted: a restore goes on with both. Raises what the server says where something else
    depends on what must go.
    """
    conn.execute(
        sql.SQL("set local lock_timeout = {}").format(sql.Literal(f"{plan.ddl_lock_timeout_ms}ms"))
    )
    views = [sql.Identifier(settings.legacy_schema, name) for name in plan.source_tables]
    conn.execute(sql.SQL("drop view {}").format(sql.SQL(", ").join(views)))
    switch.drop_final_capture(conn, settings, plan)
    switch.drop_helpers(conn, plan)
    drop_views(conn, plan)
    legacy = [sql.Identifier(plan.schemas.archive, name) for name in plan.source_tables]
    conn.execute(sql.SQL("drop table {}").format(sql.SQL(", ").join(legacy)))
    conn.execute(sql.SQL("drop schema {}").format(sql.Identifier(plan.schemas.archive)))
    _analyze(conn, settings, plan)


def drop_proofs(conn: psycopg.Connection, settings: Settings, plan: Plan) -> None:
    """Drop what compared a legacy file with the Spanish tables, in the caller's transaction.

    It can be made again from the file. Raises what the server says where something else depends
    on it.
    """
    conn.execute(
        sql.SQL("set local lock_timeout = {}").format(sql.Literal(f"{plan.ddl_lock_timeout_ms}ms"))
    )
    drop_views(conn, plan)
    _analyze(conn, settings, plan)


def _analyze(conn: psycopg.Connection, settings: Settings, plan: Plan) -> None:
    for name in plan.target_tables:
        conn.execute(sql.SQL("analyze {}").format(sql.Identifier(settings.target_schema, name)))


def grants(conn: psycopg.Connection, settings: Settings, plan: Plan) -> list[str]:
    """Return who may do what with each view: 'view role PRIVILEGE'."""
    found = conn.execute(
        sql_text("view_grants.sql"),
        {"schema": settings.legacy_schema, "views": [*plan.source_tables]},
    )
    return [row[0] for row in found]


def is_dropped(entry: str, settings: Settings, plan: Plan) -> bool:
    """Whether an entry of a backup's table of contents is of what phase 5 dropped.

    `entry` is a line of `pg_restore --list`: numbers, type, schema, name, owner.
    """
    described = re.sub(r"^\d+; \d+ \d+ ", "", entry)
    if any(f" {schema} " in described for schema in plan.schemas.all):
        return True
    _, is_here, rest = described.partition(f" {settings.legacy_schema} ")
    # 'users …', 'users id …', 'users trigger …', or 'TABLE users …', 'COLUMN users.id …'
    words = re.split(r"[ .]", re.sub(r"^(TABLE|VIEW|COLUMN|TRIGGER) ", "", rest))
    is_view = words[0] in plan.source_tables
    return bool(is_here) and (is_view or any(t in words for t in switch.FINAL_TRIGGERS))


def dropped_part(manifest: Manifest, plan: Plan) -> Manifest:
    """Return what a manifest says of what phase 5 dropped."""
    schemas = plan.schemas.all
    return manifest | {
        "schemas": [name for name in manifest["schemas"] if name in schemas],
        "tables": [entry for entry in manifest["tables"] if entry["schema"] in schemas],
        "sequences": [entry for entry in manifest["sequences"] if entry["schemaname"] in schemas],
    }


def note_restored(conn: psycopg.Connection, settings: Settings, plan: Plan) -> str:
    """Return the SQL that says in the journal that what phase 5 dropped is back.

    What was written to the Spanish tables meanwhile nobody noted: all of it counts as written.
    What default privileges gave to the views is taken back.
    """
    given = {"system": sql.Literal(plan.system), "tables": sql.Literal([*plan.source_tables])}
    statements = (
        sql_text("revoke_surplus.sql").format(
            schema=sql.Literal(settings.legacy_schema), phase=sql.Literal(CLEAN_UP_PHASE), **given
        ),
        sql_text("note_restored.sql").format(phase=sql.Literal(SWITCH_PHASE), **given),
    )
    return "\n".join(f"{statement.as_string(conn)};" for statement in statements)
