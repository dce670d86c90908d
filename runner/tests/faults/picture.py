"""A database as the fault suite sees it, row by row, without the runner's own eyes."""

import re
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from runner.db import connect, sql_text
from runner.server import PgServer

# What differs between two runs that did the same: who did it, and when.
_PASSING = {
    "row_fates": {"run_id", "recorded_at"},
    "repairs": {"run_id", "recorded_at"},
    "changes": {"transaction"},
}
_SNAPSHOT_TIMES = {"dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to"}
_JOURNAL = {"runs", "steps", "backups", "rehearsals", "uses"}

TINKUBOT, FLUXION = "tinkubot", "fluxion"
# Where what a proof finds is written anew each time.
_PROOFS = "compat_fluxion"

_TABLES = """
select n.nspname, c.relname, array(
    select a.attname from pg_catalog.pg_attribute as a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum
), array(
    select a.attname from pg_catalog.pg_index as i
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = any(i.indkey)
    where i.indrelid = c.oid and i.indisprimary
), c.oid
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname !~ '^(pg_|information_schema$)'
order by 1, 2
"""


@dataclass
class Differences:
    """What is not as it should be; rows are compared by their keys."""

    lost: int = 0
    doubled: int = 0
    changed: int = 0
    named: list[str] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self.named)


@dataclass(frozen=True)
class Picture:
    """A state.

    `ddl` as pg_dump writes it, the schema traspaso left out; `catalog` what the fingerprint is
    made of, the OIDs taken out, where traspaso was installed; all rows by table and key.
    """

    ddl: str
    catalog: dict[str, str]
    oids: dict[str, str]
    tables: dict[str, Counter[tuple[str, str]]]

    def without_traspaso(self) -> "Picture":
        """Return what is not the runner's own."""
        kept = {n: rows for n, rows in self.tables.items() if not n.startswith("traspaso.")}
        return Picture(self.ddl, {}, self.oids, kept)

    def differences(self, later: "Picture") -> Differences:
        """Hold a later picture against this one."""
        found = Differences()
        if self.ddl != later.ddl:
            found.named.append(f"DDL: {_first_difference(self.ddl, later.ddl)}")
        found.named += [
            f"catalog, {name}: {self.catalog.get(name)} became {later.catalog.get(name)}"
            for name in sorted(self.catalog.keys() | later.catalog.keys())
            if self.catalog.get(name) != later.catalog.get(name)
        ]
        for table in sorted(self.tables.keys() | later.tables.keys()):
            before = self.tables.get(table)
            after = later.tables.get(table)
            if before is None or after is None:
                found.named.append(f"{table} is {'missing' if after is None else 'new'}")
                if before is not None:
                    found.lost += before.total()
                continue
            if before == after:
                continue
            keys, keys_after = _keys(before), _keys(after)
            lost, doubled = (keys - keys_after).total(), (keys_after - keys).total()
            changed = sum(key in keys_after for key, _ in before - after)
            found.lost += lost
            found.doubled += doubled
            found.changed += changed
            examples = [*(before - after)][:1] + [*(after - before)][:1]
            found.named.append(
                f"{table}: {lost} lost, {doubled} doubled, {changed} changed: {examples}"
            )
        return found


def _keys(rows: Counter[tuple[str, str]]) -> Counter[str]:
    keys: Counter[str] = Counter()
    for (key, _), times in rows.items():
        keys[key] += times
    return keys


def _first_difference(one: str, other: str) -> str:
    pairs = zip((*one.splitlines(), "the end"), (*other.splitlines(), "the end"), strict=False)
    return next((f"{a!r} became {b!r}" for a, b in pairs if a != b), "none")


def take(server: PgServer, url: str, system: str = TINKUBOT) -> Picture:
    """Look at everything but the runner's journal."""
    with connect(url, autocommit=True, read_only=True) as conn:
        found = conn.execute(_TABLES).fetchall()
        tables = {
            f"{schema}.{table}": _rows(conn, schema, table, columns, keys)
            for schema, table, columns, keys, _ in found
            if (schema != "traspaso" or table not in _JOURNAL) and schema != _PROOFS
        }
        lines = []
        if conn.execute("select to_regproc('traspaso.catalog_lines')").fetchone() != (None,):
            schemas = sorted({row[0] for row in found} - {"traspaso"} | {f"compat_{system}"})
            lines = conn.execute(
                "select object, definition from traspaso.catalog_lines(%s::text[])", [schemas]
            ).fetchall()
        ours = {"traspaso", _PROOFS}
        oids = {f"{row[0]}.{row[1]}": str(row[4]) for row in found if row[0] not in ours}
    catalog = {name: definition for name, definition in lines if not name.startswith("oid ")}
    return Picture(_ddl(server, url), catalog, oids, tables)


def _rows(
    conn: psycopg.Connection, schema: str, table: str, columns: list[str], keys: list[str]
) -> Counter[tuple[str, str]]:
    passing = _PASSING.get(table, set()) if schema == "traspaso" else set()
    if schema == "traspaso" and "dbt_scd_id" in columns:
        # A snapshot has no primary key; unless the legacy changes it holds a row once.
        passing, keys = _SNAPSHOT_TIMES, ["id"]
    kept = [name for name in columns if name not in passing]
    keys = [name for name in keys if name not in passing] or kept
    query = sql.SQL("select row({})::text, row({})::text from {}").format(
        _list(keys), _list(kept), sql.Identifier(schema, table)
    )
    return Counter((row[0], row[1]) for row in conn.execute(query))


def _list(names: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name in names)


def _ddl(server: PgServer, url: str) -> str:
    dumped = subprocess.run(
        [server.bin_dir / "pg_dump", "--schema-only", "--exclude-schema=traspaso", url],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    # A newer pg_dump writes a random word around it.
    return re.sub(r"(?m)^\\(un)?restrict .*\n", "", dumped.stdout)


def shape(url: str) -> dict[str, str]:
    """Return which of the switch's objects are there, by kind: all of them, or none."""
    with connect(url, autocommit=True, read_only=True) as conn:
        return dict(conn.execute(sql_text("faults/shape.sql"), {"system": TINKUBOT}).fetchall())


def leftovers(url: str, backup_dir: Path, temporary: Path, scratch_prefix: str) -> list[str]:
    """Name what a run that is over should not have left."""
    with connect(url, autocommit=True) as conn:
        rows = conn.execute(
            "select 'database ' || datname from pg_catalog.pg_database"
            " where starts_with(datname, %s)"
            " union all select 'advisory lock of ' || pid from pg_catalog.pg_locks"
            " where locktype = 'advisory'"
            " union all select 'temporary ' || relname from pg_catalog.pg_class"
            " where relpersistence = 't'"
            " union all select 'prepared ' || gid from pg_catalog.pg_prepared_xacts"
            " union all select 'session ' || pid || ' ' || application_name || ' ' || query"
            " from pg_catalog.pg_stat_activity"
            " where backend_type = 'client backend' and pid <> pg_catalog.pg_backend_pid()"
            " union all select 'run ' || command || ' says running' from traspaso.runs"
            " where status = 'running'",
            [scratch_prefix],
        ).fetchall()
    files = [*backup_dir.glob(".partial_*"), *temporary.iterdir()]
    return [row[0] for row in rows] + [str(file) for file in files]
