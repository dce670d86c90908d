"""The sample legacy database: the same rows each time, and each kind of dirt among them."""

import csv
import json
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path

import pytest
import yaml

from runner.sample import TABLES, Row, Spread, generate, write_seeds

SEEDS = Path(__file__).resolve().parents[3] / "seeds" / "legacy" / "tinkubot"


def all_rows(tables: dict[str, Iterator[Row]]) -> dict[str, list[Row]]:
    return {name: list(rows) for name, rows in tables.items()}


def test_the_committed_seeds_are_what_the_generator_writes(tmp_path: Path) -> None:
    write_seeds(tmp_path)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    committed = {path.name: path.read_bytes() for path in SEEDS.glob("*.csv")}
    assert written.keys() == committed.keys() == {f"legado_tinkubot__{t}.csv" for t in TABLES}
    assert [name for name in written if written[name] != committed[name]] == []


@pytest.mark.parametrize("table", TABLES)
def test_the_seeds_have_a_type_and_a_description_for_each_column(table: str) -> None:
    path = SEEDS / f"legado_tinkubot__{table}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    (seed,) = yaml.safe_load(path.with_suffix(".yml").read_text(encoding="utf-8"))["seeds"]
    assert seed["name"] == path.stem
    assert seed["config"]["alias"] == table
    assert list(seed["config"]["column_types"]) == header
    assert [column["name"] for column in seed["columns"] if column["description"]] == header


def test_the_same_arguments_give_the_same_rows_and_another_seed_gives_others() -> None:
    first = all_rows(generate(2, seed=7, dirt=0.2))
    assert all_rows(generate(2, seed=7, dirt=0.2)) == first
    other = all_rows(generate(2, seed=8, dirt=0.2))
    assert [table for table in TABLES if other[table] == first[table]] == []


def test_the_scale_multiplies_the_rows_and_messages_can_be_set_apart() -> None:
    counts = {name: len(rows) for name, rows in all_rows(generate(3, messages=5)).items()}
    assert counts == {name: table.rows * 3 for name, table in TABLES.items()} | {"messages": 5}


def test_rows_are_made_as_they_are_asked_for() -> None:
    messages = generate(messages=10**12)["messages"]
    assert len(list(islice(messages, 3))) == 3


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("dirt", [0.01, 0.1, 0.5])
def test_each_kind_of_dirt_comes_and_no_two_dirty_rows_meet(table: str, dirt: float) -> None:
    rows, _, kinds = TABLES[table]
    spread = Spread(rows, dirt, tuple(kinds))
    found = [spread.kind(n) for n in range(rows)]
    assert {kind for kind in found if kind} == set(kinds)
    assert sum(kind is not None for kind in found) == spread.dirty
    assert found[0] is None
    assert not any(one and two for one, two in pairwise(found))
    assert all(found.index(kind) == spread.first(kind) for kind in kinds)
    assert all(found[spread.clean(n)] is None for n in range(rows))


def test_dirt_changes_only_the_dirty_rows() -> None:
    clean, dirty = all_rows(generate(dirt=0)), all_rows(generate(dirt=0.1))
    for table, (rows, _, kinds) in TABLES.items():
        spread = Spread(rows, 0.1, tuple(kinds))
        for n in range(rows):
            kind = spread.kind(n)
            changed = {c for c in clean[table][n] if clean[table][n][c] != dirty[table][n][c]}
            assert changed <= set(kinds[kind] if kind else ()), (table, n, kind)


def test_clean_rows_have_unique_keys_and_no_orphans() -> None:
    tables = all_rows(generate(4, dirt=0))

    def values(table: str, *columns: str) -> list[tuple[str | None, ...]]:
        return [tuple(row[column] for column in columns) for row in tables[table]]

    for table in ("users", "customers", "professions", "messages", "sessions", "consents"):
        assert len(set(values(table, "id"))) == len(tables[table])
    for table, *columns in (
        ("users", "phone_number"),
        ("customers", "phone_number"),
        ("professions", "name"),
        ("provider_professions", "provider_id", "profession_id"),
    ):
        assert len(set(values(table, *columns))) == len(tables[table])
    providers = {row["id"] for row in tables["users"] if row["user_type"] == "provider"}
    assert {row["provider_id"] for row in tables["provider_professions"]} <= providers
    assert {row["provider_id"] for row in tables["provider_services"]} <= providers
    assert set(values("provider_professions", "profession_id")) <= set(values("professions", "id"))
    assert set(values("consents", "user_id")) <= set(values("customers", "id"))
    assert set(values("messages", "user_id")) <= {*values("users", "id"), (None,)}


@pytest.mark.parametrize("dirt", [0, 0.1, 0.5])
def test_what_the_legacy_itself_demands_holds_in_every_row(dirt: float) -> None:
    tables = all_rows(generate(20, seed=3, dirt=dirt))
    for table in ("users", "customers"):
        ids = [row["id"] for row in tables[table]]
        assert len(set(ids)) == len(ids)
    phones = [row["phone_number"] for row in tables["customers"]]
    assert len(set(phones)) == len(phones)
    for table in ("service_requests", "messages"):
        assert all(len(row["phone"] or "") <= 20 for row in tables[table])
    for table, column in (
        ("customers", "notes"),
        ("service_requests", "suggested_providers"),
        ("messages", "metadata"),
        ("task_queue", "payload"),
        ("consents", "message_log"),
    ):
        for row in tables[table]:
            json.loads(row[column] or "null")


@pytest.mark.parametrize(("scale", "dirt"), [(0, 0.1), (1, -0.1), (1, 0.6)])
def test_a_sample_that_cannot_be_made_is_refused(scale: int, dirt: float) -> None:
    with pytest.raises(ValueError, match="scale must be 1 or more"):
        generate(scale, dirt=dirt)
