import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runner import project
from runner.errors import ExitCode, UsageProblem
from runner.plan import load_plan, systems
from runner.settings import PROJECT_DIR

SOURCES = """
sources:
  - name: prueba
    tables:
      - name: users
        description: Una fila por usuario.
        columns:
          - {name: id, description: Identificador., data_type: uuid}
          - name: data
            description: >
              Datos,
              como texto.
            data_type: text
            config: {meta: {json_text: true}}
  - name: another
    tables: []
"""
MART = """
models:
  - name: prueba__usuarios
    description: Una fila por usuario.
    config:
      alias: usuarios
      tags: [phase_2]
      meta:
        sources: [users, customers]
        requires:
          - {column: kind, rule: not_null, expression: x}
          - {column: kind, rule: check, expression: y}
        indexes:
          - {name: idx_usuarios_estado, columns: [estado]}
    columns:
      - {name: id, description: Identificador., data_type: uuid, config: {meta: {source: id}}}
      - name: estado
        description: Estado.
        data_type: varchar(20)
        config: {meta: {source: {users: status}, map: estado}}
      - {name: nuevo, description: Nuevo., data_type: text}
"""
VALUES = "mapa,ingles,espanol,es_canonico\nestado,active,activo,true\nestado,on,activo,false\n"


@pytest.fixture
def project_dir(tmp_path: Path) -> Path:
    write(tmp_path / "models/staging/prueba/prueba__sources.yml", SOURCES)
    write(tmp_path / "models/staging/prueba/stg_prueba__users.yml", "models: []\n")
    write(tmp_path / "models/marts/prueba/prueba__usuarios.yml", MART)
    write(tmp_path / "seeds/prueba/prueba__valores.csv", VALUES)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_sources_are_read_with_types_and_json_marks(project_dir: Path) -> None:
    (users,) = project.sources(project_dir, "prueba")
    assert (users.name, users.description) == ("users", "Una fila por usuario.")
    assert [(c.name, c.data_type, c.description, c.json_text) for c in users.columns] == [
        ("id", "uuid", "Identificador.", False),
        ("data", "text", "Datos, como texto.", True),
    ]
    assert users.column("id") == users.columns[0]
    assert users.column("nada") is None


def test_marts_are_read_with_their_sources_by_legacy_table(project_dir: Path) -> None:
    (mart,) = project.marts(project_dir, "prueba")
    assert (mart.table, mart.phase, mart.sources) == ("usuarios", 2, ("users", "customers"))
    assert mart.indexes == ("idx_usuarios_estado",)
    assert mart.decided_by == ("kind",)
    key, state, added = mart.columns
    assert key.source == {"users": "id", "customers": "id"}
    assert (state.source, state.map) == ({"users": "status"}, "estado")
    assert (added.source, added.map) == ({}, None)


def test_value_maps_keep_what_is_canonical(project_dir: Path) -> None:
    assert project.value_maps(project_dir, "prueba") == {
        "estado": (("active", "activo", True), ("on", "activo", False))
    }


def test_an_edit_is_seen_by_a_process_that_lives_on(project_dir: Path) -> None:
    path = project_dir / "models/marts/prueba/prueba__usuarios.yml"
    assert project.marts(project_dir, "prueba")[0].table == "usuarios"
    path.write_text(MART.replace("alias: usuarios", "alias: clientes"), encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert project.marts(project_dir, "prueba")[0].table == "clientes"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("models/staging/prueba/prueba__sources.yml", ", data_type: uuid", "", "data_type"),
        ("models/staging/prueba/prueba__sources.yml", "- name: prueba", "- name: x", "no source"),
        ("models/marts/prueba/prueba__usuarios.yml", "alias: usuarios", "", "alias"),
        ("models/marts/prueba/prueba__usuarios.yml", "{users: status}", "{u: s}", "names u"),
        ("models/marts/prueba/prueba__usuarios.yml", "models:", "models: [", "usuarios.yml"),
        ("seeds/prueba/prueba__valores.csv", "espanol", "spanish", "no column 'espanol'"),
    ],
)
def test_an_incomplete_file_is_named(
    project_dir: Path, file: str, old: str, new: str, said: str
) -> None:
    path = project_dir / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    readers = (project.sources, project.marts, project.value_maps)
    with pytest.raises(UsageProblem, match=re.escape(said)) as caught:
        [read(project_dir, "prueba") for read in readers]
    assert caught.value.exit_code is ExitCode.USAGE
    assert str(path.parent) in caught.value.message


def test_no_project_at_all_is_a_clear_problem(tmp_path: Path) -> None:
    for read in (project.sources, project.marts, project.value_maps):
        with pytest.raises(UsageProblem, match="prueba"):
            read(tmp_path, "prueba")


@pytest.mark.parametrize("system", systems())
def test_plan_and_models_name_the_same_tables_and_phases(system: str) -> None:
    plan = load_plan(system)
    marts = {mart.table: mart for mart in project.marts(PROJECT_DIR, system)}
    assert {table.source_table for table in plan.tables} == {
        table.name for table in project.sources(PROJECT_DIR, system)
    }
    assert set(plan.target_tables) == set(marts)
    fed = {(table.source_table, name) for table in plan.tables for name in table.target_tables}
    assert fed == {(source, mart.table) for mart in marts.values() for source in mart.sources}
    for phase in plan.phases:
        if phase.number in {2, 3}:
            names = {name for table in phase.tables for name in table.target_tables}
            assert {marts[name].phase for name in names} == {phase.number}


@pytest.mark.parametrize("system", systems())
def test_every_column_that_a_mart_reads_is_in_its_source(system: str) -> None:
    sources = {table.name: table for table in project.sources(PROJECT_DIR, system)}
    maps = project.value_maps(PROJECT_DIR, system)
    for mart in project.marts(PROJECT_DIR, system):
        for column in mart.columns:
            assert column.map is None or column.map in maps, (mart.table, column.name)
            for table, name in column.source.items():
                assert sources[table].column(name), (mart.table, column.name, table, name)


def test_dbt_is_not_imported() -> None:
    script = (
        "import sys; from runner import fates, mapping, preflight, project;"
        "sys.exit(any(name.split('.')[0] == 'dbt' for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
