from pathlib import Path

import pytest
from dbt.contracts.graph.manifest import Manifest

from runner import parsed

SCHEMAS = {"TRASPASO_TARGET_SCHEMA": "public"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "clientes.sql").write_text("select 1")
    (tmp_path / "dbt_project.yml").write_text("name: prueba")
    return tmp_path


@pytest.mark.parametrize("file", ["models/clientes.sql", "models/nuevo.yml", "dbt_project.yml"])
def test_another_file_of_the_project_is_another_state(project: Path, file: str) -> None:
    before = parsed.state_of(project, SCHEMAS)
    assert parsed.state_of(project, SCHEMAS) == before
    (project / file).write_text("select 2")
    assert parsed.state_of(project, SCHEMAS) != before


def test_another_schema_or_place_is_another_state(project: Path, tmp_path: Path) -> None:
    before = parsed.state_of(project, SCHEMAS)
    assert parsed.state_of(project, {"TRASPASO_TARGET_SCHEMA": "otro"}) != before
    assert parsed.state_of(tmp_path / "models", SCHEMAS) != before


def test_what_dbt_read_comes_back_for_its_own_state_only(tmp_path: Path) -> None:
    manifest = Manifest(selectors={"alguno": {}})
    assert manifest.ref_lookup is not None  # an index, which is made again
    parsed.keep(tmp_path / "cache", "a", manifest)
    found = parsed.load(tmp_path / "cache", "a")
    assert found.selectors == {"alguno": {}}
    assert type(found.disabled_lookup) is type(manifest.disabled_lookup)
    assert parsed.load(tmp_path / "cache", "b") is None


@pytest.mark.parametrize("content", [b"", b"a\n", b"a\nno pickle", b"a\ncno\nsuch\n."])
def test_what_is_no_manifest_is_read_again(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.pickle").write_bytes(content)
    assert parsed.load(tmp_path, "a") is None


def test_nothing_kept_is_none(tmp_path: Path) -> None:
    assert parsed.load(tmp_path, "a") is None
