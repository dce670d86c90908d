"""The dbt project's conventions, and what a plain `dbt build` on a clean checkout promises."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from runner.tests.functional.helpers.dbt_project import ROOT, Project

STAGING = sorted((ROOT / "models" / "staging").rglob("*.sql"))
MARTS = sorted((ROOT / "models" / "marts").rglob("*.sql"))
MODELS = sorted((ROOT / "models").rglob("*.sql"))

# `renamed` where columns are named, `keyed` where a value map is.
ONE_SHAPE = re.compile(
    r"with source as \(\n\n"
    r"    select \* from \{\{ (legacy|ref)\([^\n]+\) \}\}\n\n"
    r"\),\n\n"
    r"(renamed|keyed) as \(\n\n"
    r"    select\n.+\n\n"
    r"\)\n\n"
    r"select \* from \2\n",
    re.DOTALL,
)
ENGLISH = re.compile(r"\b(the|of|and|with|from|when|which|this|value|is|for)\b", re.IGNORECASE)
CONTENT = "select count(*), sum(hash(t)), sum(hash(rowid)) from {} as t"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Parse the project for DuckDB, with a folder of its own that has nothing in it yet."""
    folder = tmp_path_factory.mktemp("dbt")
    return Project("duckdb", folder, {"TRASPASO_DUCKDB_PATH": str(folder / "prueba.duckdb")})


@pytest.fixture(scope="module")
def built(project: Project) -> Path:
    """Build everything, tests included, in a fresh folder; each node must succeed."""
    results = project.run("build").results
    assert {result.status for result in results} <= {"success", "pass", "no-op"}
    return Path(project.environment["TRASPASO_DUCKDB_PATH"])


def nodes(project: Project) -> Iterator[Any]:
    manifest = project.manifest
    for node in (*manifest.nodes.values(), *manifest.sources.values()):
        if node.resource_type in {"model", "seed", "snapshot", "source"}:
            yield node


def test_every_table_and_column_is_described_in_spanish(project: Project) -> None:
    undescribed, english, no_columns = [], [], []
    for node in nodes(project):
        described = {node.unique_id: node.description}
        described |= {f"{node.unique_id}.{c.name}": c.description for c in node.columns.values()}
        undescribed += [name for name, text in described.items() if not text.strip()]
        english += [name for name, text in described.items() if ENGLISH.search(text)]
        no_columns += [] if node.columns else [node.unique_id]

    assert undescribed == []
    assert english == []
    assert no_columns == []


def test_every_description_begins_with_the_grain(project: Project) -> None:
    assert [
        node.unique_id
        for node in nodes(project)
        if not node.description.startswith("Una fila por ")
    ] == []


def test_every_column_of_the_database_is_described_and_no_other(
    project: Project, built: Path
) -> None:
    with duckdb.connect(str(built)) as conn:
        found: dict[tuple[str, str], set[str]] = {}
        for schema, table, column in conn.execute(
            "select table_schema, table_name, column_name from information_schema.columns"
        ).fetchall():
            found.setdefault((schema, table), set()).add(column)

    differences = {}
    for node in nodes(project):
        name = node.alias if hasattr(node, "alias") else node.identifier
        difference = found.get((node.schema, name), set()) ^ {c.lower() for c in node.columns}
        if difference:
            differences[node.unique_id] = difference
    assert differences == {}


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_a_model_has_its_yaml_beside_it(project: Project, model: Path) -> None:
    name = f"model.traspaso.{model.stem}"
    beside = model.with_suffix(".yml").relative_to(ROOT)

    assert project.manifest.nodes[name].patch_path == f"traspaso://{beside}"


@pytest.mark.parametrize("model", STAGING, ids=lambda path: path.stem)
def test_a_staging_model_has_the_one_shape(model: Path) -> None:
    assert ONE_SHAPE.fullmatch(model.read_text(encoding="utf-8"))


@pytest.mark.parametrize("model", MARTS, ids=lambda path: path.stem)
def test_a_mart_selects_all_columns_only_of_a_ref_or_of_its_own_lists(model: Path) -> None:
    text = model.read_text(encoding="utf-8")
    lists = re.findall(r"^(?:with )?(\w+) as \(\n\n    select\n", text, re.MULTILINE)
    allowed = ["{{ ref(", *(f"{name}\n" for name in lists)]

    stars = re.findall(r"\*\s+from (\{\{ ref\(|\S+\n?)", text)
    assert text.count("*") == len(stars)
    assert [star for star in stars if star not in allowed] == []


def test_a_second_build_in_the_same_process_changes_nothing(project: Project, built: Path) -> None:
    first = contents(built)
    assert len(first) >= 12
    assert all(rows for rows, *_ in first.values())

    project.run("build", "--exclude-resource-type", "unit_test", "test")

    assert contents(built) == first


def contents(path: Path) -> dict[str, tuple[int, int, int]]:
    """Return each final table's and the evidence's rows, checksum, and versions of the rows."""
    with duckdb.connect(str(path)) as conn:
        tables = conn.execute(
            "select schema_name || '.' || table_name from duckdb_tables()"
            " where schema_name = 'tinkubot' or table_name in ('row_fates', 'repairs') order by 1"
        ).fetchall()
        return {name: conn.execute(CONTENT.format(name)).fetchall()[0] for (name,) in tables}
