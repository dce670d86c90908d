"""English to Spanish: tables, columns and values, derived from the models."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from runner import project
from runner.errors import UsageProblem
from runner.plan import Plan
from runner.project import Mart, MartColumn, SourceColumn, SourceTable, Value

_KEPT_UNDER = "_legado"
_CSV_COLUMNS = (
    "source_table",
    "source_column",
    "source_type",
    "target_table",
    "target_column",
    "target_type",
    "values",
    "note",
    "description",
)

T = TypeVar("T")
Values = Mapping[str, tuple[Value, ...]]


def mapping(project_dir: Path, plan: Plan) -> dict[str, Any]:
    """Return what each legacy table and column became.

    Keys: system, and tables: [{source_table, target_tables, description, columns, added}].
    A column has source_column, source_type, target_table, target_column, target_type, values
    ({legacy: spanish}, or None where values are not mapped), note, description; it comes once for
    each Spanish table that the rows of its table go to. Where a Spanish table has no column for
    it, target_column and target_type are None and `note` says what became of it. `added` lists
    the Spanish columns that no legacy column feeds.
    Raises UsageProblem when the project's files are incomplete.
    """
    tables = {table.name: table for table in project.sources(project_dir, plan.system)}
    marts = {mart.table: mart for mart in project.marts(project_dir, plan.system)}
    values = project.value_maps(project_dir, plan.system)
    return {
        "system": plan.system,
        "tables": [
            _table(
                _named(tables, table.source_table, "source table"),
                [_named(marts, name, "model") for name in table.target_tables],
                values,
            )
            for table in plan.tables
        ],
    }


def _named(known: Mapping[str, T], name: str, what: str) -> T:
    if name not in known:
        raise UsageProblem(f"the dbt project has no {what} {name}", "add it, or correct the plan")
    return known[name]


def _table(source: SourceTable, targets: Sequence[Mart], values: Values) -> dict[str, Any]:
    return {
        "source_table": source.name,
        "target_tables": [mart.table for mart in targets],
        "description": source.description,
        "columns": [
            entry
            for column in source.columns
            for mart in targets
            for entry in _columns(source.name, column, mart, values)
        ],
        "added": [
            {
                "target_table": mart.table,
                "target_column": column.name,
                "target_type": column.data_type,
                "description": column.description,
            }
            for mart in targets
            for column in mart.columns
            if source.name not in column.source
        ],
    }


def _columns(
    table: str, column: SourceColumn, mart: Mart, values: Values
) -> Iterator[dict[str, Any]]:
    homes = [home for home in mart.columns if home.source.get(table) == column.name]
    for home in homes:
        yield _entry(column, mart) | {
            "target_column": home.name,
            "target_type": home.data_type,
            "values": _values(home, values),
            "description": home.description,
        }
    if not homes:
        yield _entry(column, mart) | {"note": _note(column, mart)}


def _entry(column: SourceColumn, mart: Mart) -> dict[str, Any]:
    return {
        "source_column": column.name,
        "source_type": column.data_type,
        "target_table": mart.table,
        "target_column": None,
        "target_type": None,
        "values": None,
        "note": None,
        "description": column.description,
    }


def _values(home: MartColumn, values: Values) -> dict[str, str] | None:
    if home.map is None:
        return None
    return {value.legacy: value.spanish for value in _named(values, home.map, "value map")}


def _note(column: SourceColumn, mart: Mart) -> str:
    if column.name in mart.decided_by:
        return f"no column of its own: it decides which rows are in {mart.table}"
    # The column's description is a COMMENT in the database: what it says is binding.
    home = next((home.name for home in mart.columns if _KEPT_UNDER in home.description), None)
    if home is None:
        return "no column of its own: computed back by the compat view"
    return f"no column of its own: kept in {home}, under {_KEPT_UNDER}"


def to_markdown(document: Mapping[str, Any]) -> str:
    """Return the mapping as a Markdown page, one section a legacy table."""
    lines = [f"# {document['system']}: English to Spanish"]
    for table in document["tables"]:
        targets = ", ".join(f"`{name}`" for name in table["target_tables"])
        lines += ["", f"## `{table['source_table']}` → {targets}", "", table["description"], ""]
        lines += _markdown_table(
            ("legacy column", "type", "table", "column", "type", "values"),
            [
                (
                    _code(column["source_column"]),
                    column["source_type"],
                    _code(column["target_table"]),
                    _code(column["target_column"]) or column["note"],
                    column["target_type"] or "",
                    _written_values(column["values"], _code),
                )
                for column in table["columns"]
            ],
        )
        if table["added"]:
            lines += ["", "Columns that this table does not feed:", ""]
            lines += _markdown_table(
                ("table", "column", "type", "description"),
                [
                    (
                        _code(column["target_table"]),
                        _code(column["target_column"]),
                        column["target_type"],
                        column["description"],
                    )
                    for column in table["added"]
                ],
            )
    return "\n".join(lines) + "\n"


def _markdown_table(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    def line(cells: tuple[str, ...]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    return [line(titles), f"|{'---|' * len(titles)}", *map(line, rows)]


def _code(name: str | None) -> str:
    return f"`{name}`" if name else ""


def _written_values(values: Mapping[str, str] | None, write: Callable[[str], str] = str) -> str:
    return ", ".join(f"{write(key)} → {write(value)}" for key, value in (values or {}).items())


def to_csv(document: Mapping[str, Any]) -> str:
    """Return the mapping as CSV, one line a legacy column and Spanish table, with a header."""
    file = io.StringIO()
    writer = csv.DictWriter(file, _CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for table in document["tables"]:
        for column in table["columns"]:
            writer.writerow(
                column
                | {
                    "source_table": table["source_table"],
                    "values": _written_values(column["values"]),
                }
            )
    return file.getvalue()
