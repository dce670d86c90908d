"""The way back, for phases 1 to 3: the state as it was after an earlier phase, in one transaction.

Nothing is dropped with CASCADE: where something else has come to depend on what must go, the
rollback is refused by the server and says by what.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from runner import capture, state
from runner.catalog import Picture, legacy_sums, present_tables, take_picture
from runner.db import explain, sql_text
from runner.errors import Refused, StepFailed, Unreachable
from runner.file_switch import Written
from runner.locks import keep_maintenance_off
from runner.plan import CREATE_PHASE, SWITCH_PHASE, TRANSACTIONS_PHASE, Plan
from runner.settings import Settings
from runner.validate import prove


@dataclass(frozen=True)
class Undone:
    """What a rollback did; `differences` names what is not as it was recorded after the phase."""

    phase: int
    tables: list[str]
    differences: list[str] = field(default_factory=list)
    legacy_changes: list[str] = field(default_factory=list)
    # Of a way back from the switch: rows brought by legacy table, and what has no English form.
    brought: dict[str, int] = field(default_factory=dict)
    aside: list[str] = field(default_factory=list)
    # Of a legacy file: what was written to PostgreSQL since the switch from it.
    written: Written | None = None


def plan_rollback(conn: psycopg.Connection, plan: Plan, to: int) -> list[str]:
    """Return what a rollback to that phase would do, in words. Raises Refused when it cannot."""
    now = state.status(conn, plan.system)
    last = max((step.phase for step in state.steps(conn, plan.system)), default=None)
    if now.phase is None or now.phase < to:
        raise Refused(
            f"{plan.system} has not completed phase {to}; there is nothing to go back to",
            f"traspaso status {plan.system}",
        )
    if last == to:
        return []
    back = []
    if now.switched and to >= SWITCH_PHASE:
        return ["make the proofs' tables again"] if plan.reads_file else []
    if now.switched and plan.reads_file:
        back = ["forget the switch; what was written since is named, and stays"]
        if to == TRANSACTIONS_PHASE:
            return back
    elif now.switched:
        written: dict[str, int] = dict(
            conn.execute(
                "select source_table, count(distinct source_key) from traspaso.changes"
                " where system = %s group by source_table",
                [plan.system],
            ).fetchall()
        )
        back = [
            f"put back {table.source_table} with what was written since the switch, "
            f"{written.get(table.source_table, 0):,} keys"
            for table in plan.tables
        ]
    if to == 0:
        return back + [f"drop {name}" for name in plan.target_tables]
    return back + [f"empty {name}" for name in _targets_after(plan, to)]


def rollback(conn: psycopg.Connection, settings: Settings, plan: Plan, to: int) -> Undone:
    """Undo the phases after `to` in one transaction, and hold the result against the record.

    `conn` is in autocommit mode. Raises StepFailed, with nothing undone, when the server refuses.
    """
    recorded, was_synced = recorded_picture(conn, plan, to)
    tables = plan_rollback(conn, plan, to)
    try:
        if to <= CREATE_PHASE:
            capture.remove(conn, settings, plan)
        with conn.transaction():
            emptied = present_tables(conn, settings.target_schema, _targets_after(plan, to))
            keep_maintenance_off(conn, settings.target_schema, emptied)
            conn.execute(
                sql.SQL("set local lock_timeout = {}").format(
                    sql.Literal(f"{plan.ddl_lock_timeout_ms}ms")
                )
            )
            _undo(conn, settings, plan, to)
            if to >= CREATE_PHASE:
                _drop_partitions(conn, settings, emptied, recorded)
            state.forget_steps(conn, plan.system, after=to)
    except psycopg.errors.DependentObjectsStillExist as error:
        raise StepFailed(
            f"something depends on what must go: {error.diag.message_detail}",
            "drop it, or move it elsewhere, and say the same command again",
        ) from error
    except psycopg.Error as error:
        raise explain(error, settings.target_url) from error
    now = take_picture(conn, settings, plan, legacy=_legacy_now(conn, settings, plan, recorded))
    if was_synced:
        recorded = recorded.updated(now, plan.loaded_after(to))
    differences = recorded.differences(now, views=[plan.schemas.staging, plan.schemas.compat])
    if was_synced:
        differences += _unproved(conn, plan, to)
    return Undone(
        phase=to,
        tables=tables,
        differences=differences,
        legacy_changes=recorded.legacy_changes(now),
    )


def _legacy_now(
    conn: psycopg.Connection, settings: Settings, plan: Plan, recorded: Picture
) -> Mapping[str, str]:
    """Return the sums of the legacy; of a file that is not there any more, what was recorded."""
    try:
        return legacy_sums(conn, settings, plan)
    except Unreachable:
        if not plan.reads_file:
            raise
        return recorded.legacy


def changes_since(conn: psycopg.Connection, settings: Settings, plan: Plan) -> list[str]:
    """Name what is not as phase 3 recorded it, the rows left out."""
    recorded, _ = recorded_picture(conn, plan, TRANSACTIONS_PHASE)
    now = take_picture(conn, settings, plan, legacy=recorded.legacy)
    views = [plan.schemas.staging, plan.schemas.compat]
    return recorded.updated(now, plan.target_tables).differences(now, views=views)


def _unproved(conn: psycopg.Connection, plan: Plan, phase: int) -> list[str]:
    """Prove the rows that are left where a sync made them others than those recorded."""
    loaded = plan.loaded_after(phase)
    tables = [
        table
        for table in plan.tables
        if loaded and all(target in loaded for target in table.target_tables)
    ]
    proof = prove(conn, plan, tables) if tables else None
    return [] if proof is None or proof.holds else proof.faults


def recorded_picture(conn: psycopg.Connection, plan: Plan, phase: int) -> tuple[Picture, bool]:
    """Return what was recorded when a phase was completed, and whether a sync came after.

    Raises Refused when it was not completed.
    """
    step = state.phase_step(conn, plan.system, phase)
    if step is None:
        raise Refused(
            f"{plan.system} has not completed phase {phase}", f"traspaso status {plan.system}"
        )
    return Picture.from_json(step.detail["picture"]), bool(step.detail.get("synced"))


def _targets_after(plan: Plan, phase: int) -> list[str]:
    kept = plan.loaded_after(phase)
    return [name for name in plan.target_tables if name not in kept]


def _undo(conn: psycopg.Connection, settings: Settings, plan: Plan, to: int) -> None:
    emptied = _targets_after(plan, to)
    if to <= CREATE_PHASE:
        drop_views(conn, plan)
        conn.execute("delete from traspaso.changes where system = %s", [plan.system])
        if to < CREATE_PHASE:
            _drop_reporting(conn, settings, plan)
    present = present_tables(conn, settings.target_schema, emptied)
    if present:
        statement = "drop table {}" if to == 0 else "truncate table {} restart identity"
        names = [sql.Identifier(settings.target_schema, name) for name in present]
        conn.execute(sql.SQL(statement).format(sql.SQL(", ").join(names)))
        if plan.reads_file:
            _forget_loads(conn, settings, present, is_dropped=to < CREATE_PHASE)
            sources = [t.source_table for t in plan.tables if {*t.target_tables} & {*emptied}]
            conn.execute(
                sql_text("forget_row_groups.sql"), {"system": plan.system, "tables": sources}
            )
    for evidence in ("row_fates", "repairs"):
        conn.execute(
            sql.SQL("delete from {} where system = %s and target_table = any(%s)").format(
                sql.Identifier("traspaso", evidence)
            ),
            [plan.system, emptied],
        )


def _drop_partitions(
    conn: psycopg.Connection, settings: Settings, tables: list[str], recorded: Picture
) -> None:
    """Drop the partitions that a load has added to these tables, which are empty now."""
    before = {name for name, _ in recorded.lines}
    found = conn.execute(
        sql_text("partitions.sql"), {"schema": settings.target_schema, "tables": tables}
    ).fetchall()
    for schema, name, object_name in found:
        if object_name not in before:
            conn.execute(sql.SQL("drop table {}").format(sql.Identifier(schema, name)))


def _drop_reporting(conn: psycopg.Connection, settings: Settings, plan: Plan) -> None:
    for name in plan.views:
        view = sql.Identifier(settings.target_schema, name)
        conn.execute(sql.SQL("drop view if exists {}").format(view))


def _forget_loads(
    conn: psycopg.Connection, settings: Settings, tables: list[str], *, is_dropped: bool
) -> None:
    """Put back the keys that a load took off these tables and was killed before it put back."""
    named = [f"{settings.target_schema}.{name}" for name in tables]
    keys = conn.execute(
        "select statement from traspaso.keys_off where table_name = any(%s)"
        " order by table_name, position",
        [named],
    ).fetchall()
    # With them goes what was noted of their ranges and keys.
    conn.execute("delete from traspaso.loads where table_name = any(%s)", [named])
    taken = conn.execute(
        "delete from traspaso.foreign_keys where child = any(%s) returning child, name, definition",
        [named],
    ).fetchall()
    if is_dropped:
        return
    # They are written as the load's session saw the names.
    before = conn.execute(
        "select current_setting('search_path'), set_config('search_path', quote_ident(%s), true)",
        [settings.target_schema],
    ).fetchone()
    for (statement,) in keys:
        conn.execute(statement.encode())
    for child, name, definition in taken:
        # Those of the partitions of a partitioned table come with its own.
        for leaf in conn.execute(
            sql_text("partition_keys.sql"), {"table": child, "name": name}
        ).fetchall():
            conn.execute(
                sql.SQL("alter table {} drop constraint {}").format(
                    sql.Identifier(*leaf), sql.Identifier(name)
                )
            )
        conn.execute(
            sql.SQL("alter table {} add constraint {} {}").format(
                sql.Identifier(*child.split(".", 1)), sql.Identifier(name), sql.SQL(definition)
            )
        )
    conn.execute("select set_config('search_path', %s, true)", [before[0] if before else ""])


def drop_views(conn: psycopg.Connection, plan: Plan) -> None:
    """Drop what dbt made in the staging and compat schemas, then the schemas."""
    for kind, statement in (("v", "drop view {}"), ("r", "drop table {}")):
        found = conn.execute(
            sql_text("relations.sql"),
            {"schemas": [plan.schemas.compat, plan.schemas.staging], "kinds": [kind]},
        ).fetchall()
        if found:
            names = sql.SQL(", ").join(sql.Identifier(*row) for row in found)
            conn.execute(sql.SQL(statement).format(names))
    for schema in (plan.schemas.compat, plan.schemas.staging):
        conn.execute(sql.SQL("drop schema if exists {}").format(sql.Identifier(schema)))
