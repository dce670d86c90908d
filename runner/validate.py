"""The three proofs, on every row: the balance, no orphans, the round trip.

They are views in the system's compat schema, made by the same macros as dbt's tests.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from runner.catalog import some
from runner.db import sql_text
from runner.errors import Refused, StepFailed
from runner.plan import Plan, Table


@dataclass(frozen=True)
class Balance:
    """One legacy table: what became of its rows. `residue` and `mismatches` must be 0.

    `pending` rows were written since the last load: they are in none of the other figures.
    """

    source_table: str
    source_rows: int
    loaded: int
    merged: int
    quarantined: int
    excluded: int
    pending: int
    residue: int
    mismatches: int


@dataclass(frozen=True)
class Difference:
    """A legacy row that the compat view shows otherwise, not at all, or that only it shows."""

    source_table: str
    source_key: str
    problem: str
    columns: tuple[str, ...]

    def __str__(self) -> str:
        columns = f" in {', '.join(self.columns)}" if self.columns else ""
        return f"{self.source_table} {self.source_key}: {self.problem}{columns}"


@dataclass(frozen=True)
class Proof:
    """What the proofs found. `orphans` counts rows by `table.foreign_key`."""

    balances: tuple[Balance, ...]
    orphans: dict[str, int]
    differences: tuple[Difference, ...]
    tables: tuple[Table, ...]

    @property
    def pending(self) -> int:
        """Legacy rows that were written since the last load."""
        return sum(balance.pending for balance in self.balances)

    def since_switch(self) -> "Proof":
        """Return this proof where what differs was written since the switch: it is pending."""
        return replace(
            self,
            balances=tuple(
                replace(
                    balance,
                    loaded=balance.loaded - balance.mismatches,
                    pending=balance.residue + balance.mismatches,
                    residue=0,
                    mismatches=0,
                )
                for balance in self.balances
            ),
        )

    @property
    def holds(self) -> bool:
        """Whether nothing is lost."""
        return not any(self.orphans.values()) and not any(
            balance.residue or balance.mismatches for balance in self.balances
        )

    @property
    def faults(self) -> list[str]:
        """What does not hold, by table and by foreign key."""
        return [
            f"{balance.source_table}: residue {balance.residue}, mismatches {balance.mismatches}"
            for balance in self.balances
            if balance.residue or balance.mismatches
        ] + [f"{key}: {count} orphans" for key, count in self.orphans.items() if count]

    def to_json(self) -> dict[str, Any]:
        """Return the keys of `traspaso --json validate`, the fingerprint left out."""
        targets = {table.source_table: list(table.target_tables) for table in self.tables}
        return {
            "status": "pass" if self.holds else "fail",
            "tables": [
                {"source_table": balance.source_table, "target_tables":
                 targets[balance.source_table]} | asdict(balance)
                for balance in self.balances
            ],
            "pending": self.pending,
            "orphans": sum(self.orphans.values()),
            "orphans_by_key": self.orphans,
            "differences": [asdict(difference) for difference in self.differences],
        }  # fmt: skip

    def require(self, fix: str | None = None) -> None:
        """Raise StepFailed, naming what does not hold, and what to do about it."""
        if self.holds:
            return
        faults = self.faults
        examples = f" ({some([str(found) for found in self.differences])})"
        raise StepFailed(
            f"the proofs do not hold: {some(faults)}{examples if self.differences else ''}",
            fix
            or "say the same command again, to bring what the application wrote meanwhile; if it "
            "stays, look at the rows that it names",
            table=self.balances[0].source_table if self.balances else None,
        )


def prove(conn: psycopg.Connection, plan: Plan, tables: Sequence[Table]) -> Proof:
    """Prove these legacy tables, by one statement each. Raises Refused when nothing is loaded.

    No statement is prepared: of a file each proof makes its tables anew.
    """
    _require_views(conn, plan)
    names = [table.source_table for table in tables]
    targets = [name for table in tables for name in table.target_tables]
    compat = plan.schemas.compat
    with conn.cursor(row_factory=class_row(Balance)) as cursor:
        balances = []
        for name in names:
            query = sql_text("balance.sql").format(balance=sql.Identifier(compat, "balance"))
            balances += cursor.execute(query, {"table": name}, prepare=False).fetchall()
    if unproved := [name for name in names if name not in {b.source_table for b in balances}]:
        raise StepFailed(
            f"no proof looked at {some(unproved)}",
            f"say the same command again; if it stays, look at {compat}.balance",
            table=unproved[0],
        )
    query = sql_text("orphans.sql").format(orphans=sql.Identifier(compat, "huerfanos"))
    found = conn.execute(query, {"tables": targets}, prepare=False)
    orphans = {f"{row[0]}.{row[1]}": row[2] for row in found}
    differing = [b.source_table for b in balances if b.residue or b.mismatches]
    return Proof(
        balances=tuple(balances),
        orphans=orphans,
        differences=tuple(_differences(conn, compat, differing)),
        tables=tuple(tables),
    )


def _differences(conn: psycopg.Connection, compat: str, tables: list[str]) -> list[Difference]:
    query = sql_text("differences.sql").format(differences=sql.Identifier(compat, "diferencias"))
    return [
        Difference(row[0], row[1], row[2], tuple(row[3] or ()))
        for name in tables
        for row in conn.execute(query, {"table": name}, prepare=False)
    ]


def _require_views(conn: psycopg.Connection, plan: Plan) -> None:
    row = conn.execute(
        "select count(*) from pg_catalog.pg_class as c"
        " inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace"
        " where n.nspname = %s and c.relkind in ('v', 'r')"
        " and c.relname in ('balance', 'huerfanos', 'diferencias')",
        [plan.schemas.compat],
    ).fetchone()
    if row is None or row[0] != 3:  # noqa: PLR2004  # the three proofs
        raise Refused(
            f"nothing of {plan.system} is loaded yet",
            f"traspaso run {plan.system} --through 2",
        )
