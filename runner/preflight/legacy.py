"""The legacy as it is, held against what the models expect."""

import re

from runner import capture, project
from runner.catalog import some
from runner.plan import SWITCH_PHASE
from runner.preflight.look import TABLE_KINDS, Look, Problem, Problems
from runner.preflight.server import absent
from runner.state import PHASE_STEP


def schema(look: Look) -> Problems:
    """Find a legacy schema that is not there, or a legacy elsewhere."""
    if look.plan.reads_file:
        yield from _file(look)
        return
    if look.settings.legacy_url is not None:
        yield Problem(
            f"TRASPASO_LEGACY_URL is set, but {look.plan.title} is moved within one database",
            "unset TRASPASO_LEGACY_URL; TRASPASO_TARGET_URL names the database of both",
        )
    yield from absent(look, look.settings.legacy_schema, "TRASPASO_LEGACY_SCHEMA")


def _file(look: Look) -> Problems:
    """Find a legacy that is no file, or not there; what cannot be opened says so itself."""
    file = look.settings.legacy_file
    if file is None:
        yield Problem(
            f"TRASPASO_LEGACY_URL does not name the DuckDB file of {look.plan.title}",
            "export TRASPASO_LEGACY_URL=duckdb:////folder/file.db (four slashes before a folder)",
        )
    elif look.settings.legacy_schema not in look.schemas and look.file_trouble is not None:
        switched = any(
            (step["phase"], step["step"], step["status"]) == (SWITCH_PHASE, PHASE_STEP, "done")
            for step in look.steps
        )
        # Nothing is read of it any more but by the way back.
        yield Problem(
            look.file_trouble.message, look.file_trouble.fix, "warn" if switched else "fail"
        )
    elif look.settings.legacy_schema not in look.schemas:
        yield Problem(
            f"{file} has no schema {look.settings.legacy_schema}, or no table in it",
            "check TRASPASO_LEGACY_SCHEMA and the file's name in TRASPASO_LEGACY_URL",
        )


def tables(look: Look) -> Problems:
    """Find expected tables that are not there, or are no tables."""
    if look.settings.legacy_schema not in look.schemas:
        # Said already: that each of its tables is missing would add nothing.
        return
    for name in look.source_names:
        found = look.legacy.get(name)
        if found is None:
            yield Problem(
                f"the table {look.named(name)} is missing",
                "check TRASPASO_LEGACY_SCHEMA and the database at the end of TRASPASO_TARGET_URL",
            )
        elif found.kind not in TABLE_KINDS:
            yield Problem(
                f"{look.named(name)} is a view or a foreign table: a backup would not hold its "
                "rows",
                "set TRASPASO_LEGACY_SCHEMA to the schema of the tables themselves",
            )


def missing_columns(look: Look) -> Problems:
    """Find expected columns that are not there."""
    for table, found in look.present:
        for column in table.columns:
            if column.name not in found:
                yield Problem(
                    f"the column {look.named(table.name)}.{column.name} is missing",
                    f"check the database; if it is right, take {column.name} out of "
                    f"{look.sources_file} and of the models that read it",
                )


def unknown_columns(look: Look) -> Problems:
    """Find columns that no model reads."""
    system = look.plan.system
    for table, found in look.present:
        for name in found:
            if table.column(name) is None:
                yield Problem(
                    f"no model reads the column {look.named(table.name)}.{name} "
                    f"({found[name]}): its values would be lost",
                    f"add it to {table.name} in {look.sources_file}, to "
                    f"stg_{system}__{table.name}.sql and to the marts it goes to",
                )


def column_types(look: Look) -> Problems:
    """Find columns of another type than expected."""
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
            if look.plan.reads_file:
                yield Problem(
                    detail, "nothing to do: it is converted, what changes is listed in "
                    "traspaso.repairs, what cannot be converted is quarantined",
                    "warn",
                )  # fmt: skip
            elif _family(data_type) == _family(expected):
                yield Problem(
                    detail, "nothing to do: what a Spanish column cannot hold is quarantined",
                    "warn",
                )  # fmt: skip
            else:
                yield Problem(
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


def row_security(look: Look) -> Problems:
    """Find tables of which this role does not see every row."""
    for row in look.tables:
        if row["hides_rows"]:
            yield Problem(
                f"row-level security hides rows of {look.named(row['relation'])} from {look.role}: "
                "they would be lost",
                f"connect as the owner, or: alter role {look.quoted_role} bypassrls",
            )


def other_tables(look: Look) -> Problems:
    """Find tables that nothing is known of."""
    known = {*look.source_names, *look.plan.target_tables}
    others = [
        look.named(name)
        for name, found in look.legacy.items()
        if name not in known and found.kind in TABLE_KINDS
    ]
    if others:
        yield Problem(
            f"in no plan: {some(others)}",
            "they stay as they are; one that must move needs a source, models and a phase",
            "warn",
        )


def primary_keys(look: Look) -> Problems:
    """Find tables without a primary key, and those whose key is not the one the models use."""
    without = [row["relation"] for row in look.tables if not row["primary_key"]]
    if without:
        yield Problem(
            f"without a primary key: {', '.join(without)}",
            "nothing to do: rows of the same key are numbered",
            "warn",
        )
    expected = project.legacy_keys(look.settings.project_dir, look.plan.system)
    for row in look.tables:
        name, found = row["relation"], row["primary_key"]
        if found and name in expected and set(found) != set(expected[name]):
            yield Problem(
                f"the primary key of {look.named(name)} is {', '.join(found)}; the models tell its "
                f"rows apart by {', '.join(expected[name])}",
                "check the database; if it is right, change legacy_keys in dbt_project.yml",
                "fail" if set(expected[name]) < set(found) else "warn",
            )


def others_tables(look: Look) -> Problems:
    """Find tables of other roles: no trigger of the change capture can be put on them."""
    if look.plan.reads_file:
        return
    ours = capture.owned(look.conn, look.settings, look.plan)
    others = sorted({table.name for table, _ in look.present} - ours)
    if others:
        yield Problem(
            f"{look.role} does not own {some(others)}: what is written there is not captured, so "
            "it cannot be synced",
            f"connect as the owner, or grant the owning role to {look.role}",
            "warn",
        )


def captured(look: Look) -> str:
    """Say what of the legacy can be captured."""
    if look.plan.reads_file:
        return "none: the legacy is a file that nobody writes to meanwhile"
    return "this role owns every legacy table"


def rules(look: Look) -> Problems:
    """Find rewrite rules: they change what a statement on a table does."""
    found = [f"{row['relation']}.{name}" for row in look.tables for name in row["rules"]]
    if found:
        yield Problem(
            f"rules rewrite what is done to the legacy tables: {some(found)}",
            "they stay on the legacy tables: what they do must be done elsewhere after the switch",
            "warn",
        )


def triggers(look: Look) -> str:
    """List the triggers, those of the change capture left out."""
    found = [
        f"{row['relation']}.{name}"
        for row in look.tables
        for name in row["triggers"]
        if not capture.is_ours(name)
    ]
    return f"they stay as they are: {some(found)}" if found else "none"
