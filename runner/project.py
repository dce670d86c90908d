"""What the dbt project says about a system, read from its YAML and CSV files without dbt.

dbt's own answer is the same and takes seconds; this one takes milliseconds.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from runner.errors import UsageProblem

# libyaml's parser, ten times as fast, where PyYAML was built with it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_PHASE_TAG = "phase_"


@dataclass(frozen=True)
class SourceColumn:
    """A column of a legacy table; `json_text` says that its text should be JSON."""

    name: str
    data_type: str
    description: str
    json_text: bool


@dataclass(frozen=True)
class SourceTable:
    """A legacy table as the models expect it."""

    name: str
    description: str
    columns: tuple[SourceColumn, ...]

    def column(self, name: str) -> SourceColumn | None:
        """Return the column of that name, None when there is none."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True)
class MartColumn:
    """A column of a Spanish table.

    `source` is the legacy column by legacy table, empty where the legacy has none; `map` is the
    value map that its values go through.
    """

    name: str
    data_type: str
    description: str
    source: Mapping[str, str]
    map: str | None


@dataclass(frozen=True)
class Mart:
    """A Spanish table.

    `sources` are the legacy tables that feed it, `phase` is the one that loads it, `indexes` are
    the names of its own, `decided_by` the legacy columns that say which rows belong here,
    `partitioned_by` the column by which it can be partitioned.
    """

    table: str
    description: str
    phase: int | None
    sources: tuple[str, ...]
    columns: tuple[MartColumn, ...]
    indexes: tuple[str, ...]
    decided_by: tuple[str, ...]
    partitioned_by: str | None = None


class Value(NamedTuple):
    """One line of a value map; `canonical` is the legacy value that the Spanish one goes back to.

    Read as a plain tuple it is (legacy, spanish, canonical).
    """

    legacy: str
    spanish: str
    canonical: bool


def sources(project_dir: Path, system: str) -> tuple[SourceTable, ...]:
    """Return the legacy tables of a system, in the order of its source file.

    Raises UsageProblem where there are none, or where a file is incomplete.
    """
    found = [
        _source_table(path, table)
        for path, document in _documents(project_dir / "models" / "staging" / system)
        for source in document.get("sources") or []
        if source.get("name") == system
        for table in source["tables"]
    ]
    return _some(tuple(found), project_dir / "models" / "staging" / system, "source tables")


def marts(project_dir: Path, system: str) -> tuple[Mart, ...]:
    """Return the Spanish tables of a system, sorted by the name of their file.

    Raises UsageProblem where there are none, or where a file is incomplete.
    """
    found = [
        _mart(path, model)
        for path, document in _documents(project_dir / "models" / "marts" / system)
        for model in document.get("models") or []
    ]
    return _some(tuple(found), project_dir / "models" / "marts" / system, "models")


def legacy_keys(project_dir: Path, system: str) -> dict[str, tuple[str, ...]]:
    """Return the columns by which the models know a row, by legacy table.

    Raises UsageProblem where dbt_project.yml is not there or says nothing of them.
    """
    path = project_dir / "dbt_project.yml"
    try:
        document = _document(path, path.stat().st_mtime_ns)
        keys = document["vars"]["legacy_keys"][system]
        return {table: tuple(key["columns"]) for table, key in keys.items()}
    except OSError as error:
        raise _unreadable(path, error.strerror or "cannot be read") from None
    except KeyError as missing:
        raise _unreadable(path, f"has no {missing} in vars.legacy_keys.{system}") from None


def value_maps(project_dir: Path, system: str) -> dict[str, tuple[Value, ...]]:
    """Return the value maps of a system by name, their lines in the order of the seed.

    A system without a folder of seeds has none. Raises UsageProblem where the seed is missing or
    has other columns.
    """
    path = project_dir / "seeds" / system / f"{system}__valores.csv"
    if not path.parent.exists() and (project_dir / "models" / "marts" / system).is_dir():
        return {}
    maps: dict[str, list[Value]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                value = Value(row["ingles"], row["espanol"], row["es_canonico"] == "true")
                maps.setdefault(row["mapa"], []).append(value)
    except OSError as error:
        raise _unreadable(path, error.strerror or "cannot be read") from None
    except KeyError as missing:
        raise _unreadable(path, f"has no column {missing}") from None
    return {name: tuple(values) for name, values in maps.items()}


def _documents(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(folder.glob("*.yml")):
        # Keyed by its age too: a process that lives on sees an edit.
        yield path, _document(path, path.stat().st_mtime_ns)


@cache
def _document(path: Path, _age: int) -> dict[str, Any]:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506  # a safe one
    except yaml.YAMLError as error:
        raise _unreadable(path, " ".join(str(error).split())) from None
    if not isinstance(document, dict):
        raise _unreadable(path, "is not a mapping")
    return document


def _unreadable(path: Path, what: str) -> UsageProblem:
    return UsageProblem(
        f"{path}: {what}", "correct it, or run traspaso from a clean checkout of the project"
    )


def _some(found: tuple[Any, ...], folder: Path, what: str) -> tuple[Any, ...]:
    if not found:
        raise _unreadable(folder, f"holds no {what}")
    return found


def _source_table(path: Path, table: Mapping[str, Any]) -> SourceTable:
    try:
        return SourceTable(
            name=table["name"],
            description=_text(table["description"]),
            columns=tuple(
                SourceColumn(
                    name=column["name"],
                    data_type=column["data_type"],
                    description=_text(column["description"]),
                    json_text=bool(_meta(column).get("json_text", False)),
                )
                for column in table["columns"]
            ),
        )
    except KeyError as missing:
        raise _unreadable(path, f"the table {table.get('name')} lacks {missing}") from None


def _mart(path: Path, model: Mapping[str, Any]) -> Mart:
    try:
        meta = _meta(model)
        tables = tuple(meta["sources"])
        return Mart(
            table=model["config"]["alias"],
            description=_text(model["description"]),
            phase=_phase(model["config"].get("tags", [])),
            sources=tables,
            columns=tuple(_mart_column(path, column, tables) for column in model["columns"]),
            indexes=tuple(index["name"] for index in meta.get("indexes", [])),
            decided_by=tuple(dict.fromkeys(rule["column"] for rule in meta.get("requires", []))),
            partitioned_by=(meta.get("partition_by") or {}).get("column"),
        )
    except KeyError as missing:
        raise _unreadable(path, f"the model {model.get('name')} lacks {missing}") from None


def _mart_column(path: Path, column: Mapping[str, Any], tables: tuple[str, ...]) -> MartColumn:
    meta = _meta(column)
    source = meta.get("source") or {}
    if isinstance(source, str):
        source = dict.fromkeys(tables, source)
    if strangers := set(source) - set(tables):
        raise _unreadable(
            path, f"the source of {column['name']} names {min(strangers)}, which feeds it not"
        )
    return MartColumn(
        name=column["name"],
        data_type=column["data_type"],
        description=_text(column["description"]),
        source=source,
        map=meta.get("map"),
    )


def _meta(node: Mapping[str, Any]) -> Mapping[str, Any]:
    return (node.get("config") or {}).get("meta") or {}


def _phase(tags: list[str] | str) -> int | None:
    names = [tags] if isinstance(tags, str) else tags
    numbers = [name.removeprefix(_PHASE_TAG) for name in names if name.startswith(_PHASE_TAG)]
    return int(numbers[0]) if numbers else None


def _text(description: str) -> str:
    return " ".join(description.split())
