import csv
import io
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from runner import project
from runner.errors import UsageProblem
from runner.mapping import mapping, to_csv, to_markdown
from runner.plan import Table, load_plan, systems
from runner.settings import PROJECT_DIR


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return mapping(PROJECT_DIR, load_plan("tinkubot"))


def entries(document: dict[str, Any], table: str, column: str) -> dict[str, dict[str, Any]]:
    (found,) = [entry for entry in document["tables"] if entry["source_table"] == table]
    return {
        entry["target_table"]: entry
        for entry in found["columns"]
        if entry["source_column"] == column
    }


def test_a_column_is_named_by_its_own_legacy_table(document: dict[str, Any]) -> None:
    from_users = entries(document, "users", "name")
    assert from_users["proveedores"]["target_column"] == "nombre"
    assert from_users["clientes"]["target_column"] == "nombre_completo"
    from_customers = entries(document, "customers", "full_name")
    assert {name: entry["target_column"] for name, entry in from_customers.items()} == {
        "clientes": "nombre_completo"
    }
    types = {(entry["source_type"], entry["target_type"]) for entry in from_customers.values()}
    assert types == {("text", "varchar(255)")}


def test_mapped_values_are_listed_and_others_are_none(document: dict[str, Any]) -> None:
    types = entries(document, "consents", "response")["consentimientos"]
    assert types["values"] == {"accepted": "aceptado", "declined": "rechazado"}
    assert entries(document, "consents", "id")["consentimientos"]["values"] is None


def test_a_column_without_a_home_is_said_to_be_kept(document: dict[str, Any]) -> None:
    kept = entries(document, "customers", "has_consent")["clientes"]
    assert (kept["target_column"], kept["target_type"]) == (None, None)
    assert kept["note"] == "no column of its own: kept in notas, under _legado"
    email = entries(document, "users", "email")
    assert email["proveedores"]["target_column"] == "email"
    assert "notas" in email["clientes"]["note"]
    kind = entries(document, "users", "user_type")
    assert "decides which rows are in proveedores" in kind["proveedores"]["note"]


def test_columns_that_a_legacy_table_does_not_feed_are_listed_apart(
    document: dict[str, Any],
) -> None:
    added = {
        table["source_table"]: {
            (entry["target_table"], entry["target_column"]) for entry in table["added"]
        }
        for table in document["tables"]
    }
    assert ("proveedores", "rating") in added["users"]
    assert ("proveedores", "nombre") not in added["users"]
    # Only users has a status; only customers has notes.
    assert added["customers"] == {("clientes", "estado")}
    assert ("clientes", "notas") in added["users"]


@pytest.mark.parametrize("system", systems())
def test_no_column_of_the_legacy_or_of_the_target_is_left_out(system: str) -> None:
    found = mapping(PROJECT_DIR, load_plan(system))["tables"]
    assert {(t["source_table"], c["source_column"]) for t in found for c in t["columns"]} == {
        (table.name, column.name)
        for table in project.sources(PROJECT_DIR, system)
        for column in table.columns
    }
    shown = {
        (entry["target_table"], entry["target_column"])
        for table in found
        for entry in (*table["columns"], *table["added"])
        if entry["target_column"]
    }
    assert shown == {
        (mart.table, column.name)
        for mart in project.marts(PROJECT_DIR, system)
        for column in mart.columns
    }
    for table in found:
        for entry in table["columns"]:
            assert (entry["target_column"] is None) == (entry["note"] is not None)


def test_a_column_of_one_legacy_table_is_no_home_of_its_namesake_in_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables = tuple(
        replace(table, columns=(*table.columns, replace(table.columns[0], name="status")))
        if table.name == "customers"
        else table
        for table in project.sources(PROJECT_DIR, "tinkubot")
    )
    monkeypatch.setattr("runner.project.sources", lambda *_: tables)
    document = mapping(PROJECT_DIR, load_plan("tinkubot"))
    assert entries(document, "users", "status")["clientes"]["target_column"] == "estado"
    assert entries(document, "customers", "status")["clientes"]["target_column"] is None


def test_csv_has_a_line_a_column_and_says_the_same(document: dict[str, Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(document))))
    assert len(rows) == sum(len(table["columns"]) for table in document["tables"])
    (found,) = [
        row
        for row in rows
        if (row["source_table"], row["source_column"]) == ("consents", "response")
    ]
    assert found["target_table"] == "consentimientos"
    assert found["target_column"] == "respuesta"
    assert found["values"] == "accepted → aceptado, declined → rechazado"


def test_markdown_has_a_section_a_table_and_whole_rows(document: dict[str, Any]) -> None:
    document = json.loads(json.dumps(document))
    document["tables"][0]["description"] = "one | two"
    document["tables"][0]["columns"][0]["source_type"] = "a|b"
    page = to_markdown(document)
    assert page.startswith("# tinkubot: English to Spanish\n")
    assert "## `users` → `proveedores`, `clientes`\n" in page
    assert page.count("\n## ") == len(document["tables"])
    assert "| `id` | a\\|b | `proveedores` | `id` | uuid |  |" in page
    for block in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block


def test_a_plan_that_names_an_unknown_table_is_a_clear_problem() -> None:
    plan = load_plan("tinkubot")
    phase = replace(plan.phases[2], tables=(Table("users", ("nada",)),))
    with pytest.raises(UsageProblem, match="no model nada"):
        mapping(PROJECT_DIR, replace(plan, phases=(phase,)))
