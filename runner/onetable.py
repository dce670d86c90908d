"""One table out of a backup: its rows put back in place, or a copy of it beside, for looking."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from runner import capture, contents, pgclient
from runner.archive import Manifest
from runner.db import explain, sql_text, table_checksum
from runner.errors import Refused, StepFailed, UsageProblem

_STAGE = ("pg_temp", "traspaso_restored")
_MODES = {
    "O": sql.SQL("enable trigger"),
    "R": sql.SQL("enable replica trigger"),
    "A": sql.SQL("enable always trigger"),
}


@dataclass(frozen=True)
class Source:
    """One table of a backup: where its rows are, and what the manifest says of it."""

    programs: pgclient.Programs
    archive: pgclient.Archive
    entry: dict[str, Any]
    toc_entry: str
    other_way: str

    @property
    def name(self) -> tuple[str, str]:
        """Its schema and its name."""
        return self.entry["schema"], self.entry["table"]

    def __str__(self) -> str:
        return ".".join(self.name)


def find(
    programs: pgclient.Programs,
    archive: pgclient.Archive,
    manifest: Manifest,
    table: str,
    legacy_schema: str,
) -> Source:
    """Find a table by its name, or by schema.name. Raises UsageProblem."""
    command = f"traspaso backup {manifest['system']} restore {manifest['id']} --table"
    for entry in manifest["tables"]:
        name = f"{entry['schema']}.{entry['table']}"
        if table == name or (entry["schema"], entry["table"]) == (legacy_schema, table):
            break
    else:
        known = ", ".join(
            entry["table"] for entry in manifest["tables"] if entry["schema"] == legacy_schema
        )
        raise UsageProblem(
            f"backup {manifest['id']} holds no table {table}; those of {legacy_schema}: {known}",
            f"{command} NAME, or {command} SCHEMA.NAME",
        )
    start = f"TABLE DATA {entry['schema']} {entry['table']} "
    for line in pgclient.table_of_contents(programs, archive):
        if re.sub(r"^\d+; \d+ \d+ ", "", line).startswith(start):
            return Source(programs, archive, entry, line, f"{command} {name} --into revision")
    raise UsageProblem(
        f"{name} has no rows of its own in the backup: it is partitioned",
        f"{command} with each of its partitions",
    )


def put_back(conn: psycopg.Connection, source: Source, manifest: Manifest) -> None:
    """Make the rows of a table those of the backup: one transaction, no other table touched.

    Raises Refused where rows of other tables would lose what they point to, or the table has
    another shape than then. Its triggers do not fire, but for those of the change capture. Readers
    are not stopped.
    """
    target = sql.Identifier(*source.name)
    try:
        with conn.transaction():
            conn.execute(sql.SQL("lock table only {} in exclusive mode").format(target))
            statement = "create temporary table {} (like {} including generated) on commit drop"
            conn.execute(sql.SQL(statement).format(sql.Identifier(_STAGE[1]), target))
            _load(conn, source, _STAGE)
            conn.execute(sql.SQL("analyze {}").format(sql.Identifier(*_STAGE)))
            _replace(conn, source, target)
            _require_same(conn, source, source.name)
            _advance(conn, source, manifest)
    except psycopg.errors.UndefinedTable as error:
        raise Refused(
            f"{source} is not there any more; only rows are put back", source.other_way
        ) from error
    except psycopg.errors.IntegrityError as error:
        raise Refused(
            f"{source} as it was does not fit what is here now: {explain(error).message}",
            source.other_way,
        ) from error


def copy_beside(conn: psycopg.Connection, source: Source, schema: str) -> bool:
    """Make a copy of the table in a schema of its own; changes nothing else.

    Returns True where the copy has the table's types of today and is, by its checksum, what was
    backed up. Where it cannot be, all its columns are text, and hold what the backup says.
    """
    place = (schema, source.name[1])
    with conn.transaction():
        conn.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
        try:
            with conn.transaction():
                statement = sql.SQL("create table {} (like {} including generated)")
                conn.execute(statement.format(sql.Identifier(*place), sql.Identifier(*source.name)))
                _load(conn, source, place)
        except (Refused, psycopg.errors.UndefinedTable, psycopg.errors.IntegrityError):
            _load_as_text(conn, source, place)
            return False
    return True


def _parameters(source: Source) -> dict[str, Any]:
    return {"schema": source.name[0], "table": source.name[1]}


def _load_as_text(conn: psycopg.Connection, source: Source, place: tuple[str, str]) -> None:
    name = sql.Identifier(*place)
    with pgclient.table_rows(source.programs, source.archive, source.toc_entry) as found:
        columns = [sql.SQL("{} text").format(sql.Identifier(column)) for column in found.columns]
        conn.execute(sql.SQL("create table {} ({})").format(name, sql.SQL(", ").join(columns)))
        _copy(conn, name, found)
    rows = table_checksum(conn, *place).rows
    if rows != source.entry["rows"]:
        raise StepFailed(
            f"the backup holds {rows} rows of {source}, not {source.entry['rows']}",
            "do not trust this backup; verify it",
        )


def _load(conn: psycopg.Connection, source: Source, place: tuple[str, str]) -> None:
    """Load the rows into a table made like the one of today, and prove that they are the same."""
    columns = contents.rows(conn, "table_columns.sql", _parameters(source))
    with pgclient.table_rows(source.programs, source.archive, source.toc_entry) as found:
        now = {column["name"] for column in columns if not column["generated"]}
        then = set(found.columns)
        changes = [f"{name} is gone" for name in sorted(then - now)]
        changes += [f"{name} is new" for name in sorted(now - then)]
        if changes:
            raise _other_shape(source, "; ".join(changes))
        try:
            _copy(conn, sql.Identifier(*place), found)
        except psycopg.DataError as error:
            raise _other_shape(source, explain(error).message) from error
    _require_same(conn, source, place)


def _other_shape(source: Source, what: str) -> Refused:
    return Refused(f"{source} has another shape than in the backup: {what}", source.other_way)


def _copy(conn: psycopg.Connection, place: sql.Identifier, found: pgclient.TableRows) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, found.columns))
    statement = sql.SQL("copy {} ({}) from stdin").format(place, names)
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        for block in found.blocks():
            copy.write(block)


def _require_same(conn: psycopg.Connection, source: Source, name: tuple[str, str]) -> None:
    found = table_checksum(conn, *name)
    if contents.table_entry(*source.name, found) != source.entry:
        raise _other_shape(source, "with today's columns its rows do not give the same checksum")


def _replace(
    conn: psycopg.Connection,
    source: Source,
    target: sql.Identifier,
) -> None:
    columns = contents.rows(conn, "table_columns.sql", _parameters(source))
    references = contents.rows(conn, "referencing_keys.sql", _parameters(source))
    key = [column["name"] for column in columns if column["in_primary_key"]]
    if references and not key:
        raise Refused(
            f"other tables point to {source}, which has no primary key to match its rows by",
            source.other_way,
        )
    for reference in references:
        _refuse_orphans(conn, source, target, key, reference)
    own = [column["name"] for column in columns if not column["generated"]]
    triggers = [
        trigger
        for trigger in contents.rows(conn, "table_triggers.sql", _parameters(source))
        # What is put back is a change like any other: a sync brings it.
        if not capture.is_ours(trigger["name"])
    ]
    for trigger in triggers:
        _switch(conn, target, sql.SQL("disable trigger"), trigger["name"])
    if references:
        _bring_delta(conn, target, own, key)
    else:
        conn.execute(sql.SQL("delete from only {}").format(target))
        _insert(conn, target, own, sql.SQL("true"))
    # What is deferred would be pending when the triggers are switched on again.
    conn.execute("set constraints all immediate")
    for trigger in triggers:
        _switch(conn, target, _MODES[trigger["mode"]], trigger["name"])


def _switch(conn: psycopg.Connection, target: sql.Identifier, how: sql.SQL, trigger: str) -> None:
    statement = sql.SQL("alter table {} {} {}")
    conn.execute(statement.format(target, how, sql.Identifier(trigger)))


def _refuse_orphans(
    conn: psycopg.Connection,
    source: Source,
    target: sql.Identifier,
    key: Sequence[str],
    reference: dict[str, Any],
) -> None:
    """Refuse where rows of another table point to what would go, or be called otherwise."""
    query = sql.SQL(
        "select count(*) from {other} as o inner join only {target} as t on {points}"
        " where not exists (select from {stage} as s where {same})"
    ).format(
        other=sql.Identifier(reference["schema"], reference["table"]),
        target=target,
        stage=sql.Identifier(*_STAGE),
        points=_equal("o", reference["columns"], "t", reference["referenced"]),
        same=_equal("s", [*key, *reference["referenced"]], "t", [*key, *reference["referenced"]]),
    )
    row = conn.execute(query).fetchone()
    if row and row[0]:
        raise Refused(
            f"{row[0]:,} rows of {reference['schema']}.{reference['table']} point to rows of "
            f"{source} that are not in the backup, or otherwise ({reference['name']})",
            f"delete those first, or look at the backup's rows beside: {source.other_way}",
            table=reference["table"],
        )


def _equal(left: str, columns: Sequence[str], right: str, others: Sequence[str]) -> sql.Composed:
    return sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier(left, one), sql.Identifier(right, other))
        for one, other in zip(columns, others, strict=True)
    )


def _bring_delta(
    conn: psycopg.Connection, target: sql.Identifier, own: Sequence[str], key: Sequence[str]
) -> None:
    """Change only rows that differ: those that others point to stay the same rows."""
    stage, same = sql.Identifier(*_STAGE), _equal("s", key, "t", key)
    conn.execute(
        sql.SQL("delete from only {} as t where not exists (select from {} as s where {})").format(
            target, stage, same
        )
    )
    if rest := [name for name in own if name not in key]:
        changes = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Identifier("s", name))
            for name in rest
        )
        conn.execute(
            sql.SQL(
                "update only {} as t set {} from {} as s"
                " where {} and (t.*)::text is distinct from (s.*)::text"
            ).format(target, changes, stage, same)
        )
    is_new = sql.SQL("not exists (select from only {} as t where {})").format(target, same)
    _insert(conn, target, own, is_new)


def _insert(
    conn: psycopg.Connection,
    target: sql.Identifier,
    own: Sequence[str],
    which: sql.Composable,
) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, own))
    conn.execute(
        sql.SQL(
            "insert into {} ({}) overriding system value select {} from {} as s where {}"
        ).format(target, names, names, sql.Identifier(*_STAGE), which)
    )


def _advance(conn: psycopg.Connection, source: Source, manifest: Manifest) -> None:
    """Bring the table's sequences at least as far as they were; never back."""
    parameters = {"schema": source.name[0], "tables": [source.name[1]]}
    owned = {row[0] for row in conn.execute(sql_text("owned_sequences.sql"), parameters)}
    found = contents.sequences(conn, manifest["schemas"])
    late = contents.behind(manifest["sequences"], found)
    for sequence in manifest["sequences"]:
        schema, name = sequence["schemaname"], sequence["sequencename"]
        row = conn.execute(
            "select pg_catalog.format('%%I.%%I', %s::text, %s::text)", [schema, name]
        ).fetchone()
        if row and row[0] in owned and f"{schema}.{name} is behind" in late:
            conn.execute("select pg_catalog.setval(%s, %s)", [row[0], sequence["last_value"]])
