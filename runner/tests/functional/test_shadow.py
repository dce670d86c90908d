"""Shadow reads find what the application would see otherwise, and nothing else."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from runner.sample import create_legacy
from runner.server import PgServer
from runner.settings import Settings
from runner.tests.functional.helpers.tinkubot_cases import (
    RUN,
    Answer,
    new_database,
    traspaso,
)

QUICK = ("--rounds", "1", "--limit", "1000")


pytestmark = pytest.mark.newest


@pytest.fixture(scope="module")
def migrated(pg: PgServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with new_database(pg, f"sombra_{pg.major}", tmp_path_factory.mktemp("backups")) as settings:
        with psycopg.connect(settings.require_target(), autocommit=True) as conn:
            create_legacy(conn, dirt=0)
        assert traspaso(settings, *RUN).code == 0
        yield settings


@contextmanager
def changed(settings: Settings, do: str, undo: str) -> Iterator[None]:
    """Have something otherwise as long as the block lasts."""
    with psycopg.connect(settings.require_target(), autocommit=True) as conn:
        conn.execute(do.encode())
        try:
            yield
        finally:
            conn.execute(undo.encode())


def ask(settings: Settings, folder: Path, text: str, options: Sequence[str] = QUICK) -> Answer:
    file = folder / "queries.sql"
    file.write_text(text)
    return traspaso(settings, "shadow", "tinkubot", "--queries", str(file), *options)


def only(answer: Answer) -> dict[str, Any]:
    assert "queries" in answer.json, answer.stdout
    (query,) = answer.json["queries"]
    assert isinstance(query, dict)
    return query


def one(settings: Settings, query: str) -> Any:
    with psycopg.connect(settings.require_target(), autocommit=True) as conn:
        row = conn.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def test_the_applications_queries_say_the_same(migrated: Settings, tmp_path: Path) -> None:
    answer = ask(
        migrated, tmp_path,
        """
-- name: all users
select * from users;
-- name: qualified
select u.name, count(*) from public.users as u join public.messages as m on m.user_id = u.id
group by u.name order by 2 desc, 1;
-- name: newest
select id, requested_at from service_requests order by requested_at desc limit 20;
-- name: twice one name
select u.id, m.id from users as u, messages as m where m.user_id = u.id;
-- name: by city
-- params: ["Quito", ["provider", "client"], 3]
select id from users where city = $1 and user_type = any($2) order by id limit $3;
-- name: none
select * from messages where false;
-- name: of no table
values (now(), '{"a":1}'::json);
table customers -- all
""",
    )  # fmt: skip
    assert answer.code == 0, answer.stdout
    found = {query["name"]: query for query in answer.json["queries"]}
    assert answer.json["status"] == "pass"
    assert {query["status"] for query in found.values()} == {"same"}
    assert len(found) == 8
    # numeric there, numeric(10, 8) here.
    assert found["all users"]["warnings"][0].startswith("the same values, written otherwise")
    assert found["by city"]["rows_legacy"] == found["by city"]["rows_compat"] == 3
    assert found["all users"]["rows_compat"] == one(migrated, "select count(*) from public.users")
    assert all(query["milliseconds_compat"] > 0 for query in found.values())


@pytest.mark.parametrize("query", ["select * from users", "select * from public.users"])
def test_a_value_changed_in_a_spanish_table_is_found(
    migrated: Settings, tmp_path: Path, query: str
) -> None:
    key = one(migrated, "select min(id::text) from public.proveedores")
    change = (
        "update public.proveedores set ciudad = {} where id ="
        " (select min(id::text) from public.proveedores)::uuid"
    )
    with changed(
        migrated, change.format("ciudad || ' Otra'"), change.format("replace(ciudad, ' Otra', '')")
    ):
        answer = ask(migrated, tmp_path, query)
        with_values = traspaso(
            migrated, "-v", "shadow", "tinkubot", "--queries", str(tmp_path / "queries.sql"), *QUICK
        )
    assert answer.code == 1
    found = only(answer)
    assert answer.json["status"] == "fail"
    assert found["status"] == "differs"
    assert found["differences"] == {
        "rows_only_legacy": 1,
        "rows_only_compat": 1,
        "only_legacy": [{"key": key}],
        "only_compat": [{"key": key}],
    }
    assert "Otra" not in answer.stdout
    (row,) = only(with_values)["differences"]["only_compat"]
    assert row["row"][only(with_values)["columns"].index("city")].endswith(" Otra")


def test_of_a_large_difference_a_handful_of_rows_is_fetched(
    migrated: Settings, tmp_path: Path
) -> None:
    text = """
select n, u from generate_series(1, 5000) as n, (select count(*) from users where city = 'X') u"""
    with changed(
        migrated,
        "create view compat_tinkubot.parejas as select n from generate_series(1, 30000) as n;"
        "create view public.parejas as select n from generate_series(10001, 40000) as n",
        "drop view compat_tinkubot.parejas, public.parejas",
    ):
        found = only(ask(migrated, tmp_path, "select n, n * 2 as m from parejas"))
    assert (found["rows_legacy"], found["rows_compat"]) == (30_000, 30_000)
    differences = found["differences"]
    assert (differences["rows_only_legacy"], differences["rows_only_compat"]) == (10_000, 10_000)
    assert len(differences["only_legacy"]) == len(differences["only_compat"]) == 5
    assert differences["only_compat"][0] == {"key": "1"}
    assert only(ask(migrated, tmp_path, text))["status"] == "same"


def test_rows_that_were_not_loaded_are_missing_and_said_why(
    migrated: Settings, tmp_path: Path
) -> None:
    with changed(
        migrated,
        "insert into public.professions (id, name) values (-1, null)",
        "delete from public.professions where id = -1",
    ):
        assert traspaso(migrated, "sync", "tinkubot").code == 0
        found = only(ask(migrated, tmp_path, "select * from professions"))
    assert traspaso(migrated, "sync", "tinkubot").code == 0
    assert found["status"] == "differs"
    assert found["differences"]["only_legacy"] == [{"key": "-1"}]
    assert found["differences"]["rows_only_compat"] == 0
    assert "quarantined of professions: 1" in found["message"]


def test_a_row_that_differs_is_shown_beside_its_counterpart(
    migrated: Settings, tmp_path: Path
) -> None:
    with changed(
        migrated,
        "create view public.parejas as select n as a, 1 as b from generate_series(11, 20) as n;"
        "create view compat_tinkubot.parejas as"
        " select n as a, 2 as b from generate_series(15, 24) as n",
        "drop view compat_tinkubot.parejas, public.parejas",
    ):
        found = only(ask(migrated, tmp_path, "select * from parejas"))["differences"]
    assert [row["key"] for row in found["only_compat"]] == ["15", "16", "17", "18", "19"]
    assert {row["key"] for row in found["only_legacy"]} >= {"11", "15", "16", "17", "18", "19"}


def test_rows_count_as_often_as_they_come(migrated: Settings, tmp_path: Path) -> None:
    with changed(
        migrated,
        "create view compat_tinkubot.parejas as values (1, 2), (1, 2), (3, 4);"
        "create view public.parejas as values (1, 2), (3, 4), (3, 4)",
        "drop view compat_tinkubot.parejas, public.parejas",
    ):
        found = only(ask(migrated, tmp_path, "select * from parejas"))
    assert found["differences"]["only_legacy"] == [{"key": "3"}]
    assert found["differences"]["only_compat"] == [{"key": "1"}]


@pytest.mark.parametrize(
    ("order", "status", "warned"),
    [
        ("", "same", False),
        ("order by a", "differs", False),
        # They tie.
        ("order by b", "same", False),
        # What it is ordered by is not returned.
        ("order by c", "same", True),
    ],
)
def test_the_order_counts_where_the_query_asks_for_one(
    migrated: Settings, tmp_path: Path, order: str, status: str, *, warned: bool
) -> None:
    with changed(
        migrated,
        "create type public.nivel as enum ('low', 'high');"
        "create view public.niveles as select a::public.nivel, b, c"
        " from (values ('low', 1, 1), ('high', 1, 2)) as t (a, b, c);"
        "create view compat_tinkubot.niveles as select a, b, c"
        " from (values ('high', 1, 1), ('low', 1, 2)) as t (a, b, c)",
        "drop view compat_tinkubot.niveles, public.niveles; drop type public.nivel",
    ):
        found = only(ask(migrated, tmp_path, f"select a, b from niveles {order}"))  # noqa: S608
    assert found["status"] == status, found
    assert found["warnings"][0] == "a is text, was nivel"
    assert ("another order" in " ".join(found["warnings"])) == warned


def test_other_names_and_types_of_columns_are_said(migrated: Settings, tmp_path: Path) -> None:
    with changed(
        migrated,
        "create view public.parejas as"
        " select 1::int as a, 'x'::varchar(9) as b, '{\"a\":  1}'::json as c;"
        "create view compat_tinkubot.parejas as"
        " select 1::bigint as a, 'x'::text as b, '{\"a\": 1}'::jsonb as c, 2 as d",
        "drop view compat_tinkubot.parejas, public.parejas",
    ):
        typed = only(ask(migrated, tmp_path, "select a, b, c from parejas"))
        named = only(ask(migrated, tmp_path, "select * from parejas"))
    assert typed["status"] == "same"
    assert typed["warnings"] == [
        "a is bigint, was integer",
        "b is text, was character varying",
        "c is jsonb, was json",
        "the same values, written otherwise: decimals of a number, spaces in JSON",
    ]
    assert named["status"] == "differs"
    assert named["message"] == "columns: legacy a, b, c; compat a, b, c, d"


def test_a_slow_view_is_listed(migrated: Settings, tmp_path: Path) -> None:
    view = one(migrated, "select pg_get_viewdef('compat_tinkubot.professions'::regclass)")
    create = "create or replace view compat_tinkubot.professions as"
    slowed = f"select t.* from (select pg_sleep(0.02) offset 0) as s, ({view.rstrip(';')}) as t"  # noqa: S608
    with changed(migrated, f"{create} {slowed}", f"{create} {view}"):
        slow = ask(migrated, tmp_path, "select id from professions", ["--rounds", "3"])
        limited = ask(migrated, tmp_path, "select id from professions", ("--limit", "1e9"))
        late = ask(migrated, tmp_path, "select id from professions", ["--timeout", "0.01s"])
    found = only(slow)
    assert (slow.code, found["status"]) == (1, "slower")
    assert found["milliseconds_compat"] > 20 > found["milliseconds_legacy"]
    assert found["ratio"] > 1.1
    assert "times as long" in found["message"]
    assert (limited.code, only(limited)["status"]) == (0, "same")
    assert only(late)["status"] == "error"
    assert only(late)["message"].startswith("compat: ")
    assert only(late)["message"].endswith("(--timeout 0.01s)")


def test_an_error_is_of_its_query_alone(migrated: Settings, tmp_path: Path) -> None:
    with changed(
        migrated,
        "create function public.cuenta() returns bigint language plpgsql as"
        " $$ begin delete from public.messages; return 1; end $$",
        "drop function public.cuenta()",
    ):
        answer = ask(
            migrated, tmp_path,
            "select from where; select count(*) from users; select cuenta();"
            "select nextval('professions_id_seq'); select name from users for update;"
            "select 1) as x; select 1",
        )  # fmt: skip
    assert answer.code == 1
    assert [query["status"] for query in answer.json["queries"]] == [
        "error", "same", "error", "error", "error", "error", "same",
    ]  # fmt: skip
    messages = [query["message"] for query in answer.json["queries"]]
    assert messages[0] == 'legacy: syntax error at or near "where"'
    assert "cannot execute DELETE in a read-only transaction" in messages[2]
    assert one(migrated, "select count(*) from public.messages") > 0


def test_a_query_that_writes_is_refused_before_anything_runs(
    migrated: Settings, tmp_path: Path
) -> None:
    answer = ask(migrated, tmp_path, "select 1;\n-- name: clean up\ndelete from users;")
    assert answer.code == 2
    assert answer.json["status"] == "failed"
    assert "clean up (line 3): DELETE" in answer.json["error"]["message"]
    assert "queries" not in answer.json


def test_what_looks_like_a_table_in_a_string_is_left_alone(
    migrated: Settings, tmp_path: Path
) -> None:
    answer = ask(migrated, tmp_path, "select 'public.users;', $$public.users;$$ from public.users")
    assert only(answer)["status"] == "same"


@pytest.mark.parametrize(
    "query", ["select * from vista", "select * from {database}.public.users"]
)  # fmt: skip
def test_what_reads_the_legacy_on_both_sides_proves_nothing(
    migrated: Settings, tmp_path: Path, query: str
) -> None:
    database = one(migrated, "select current_database()")
    with changed(
        migrated, "create view public.vista as select * from public.users", "drop view public.vista"
    ):
        found = only(ask(migrated, tmp_path, query.format(database=database)))
    assert found["status"] == "error"
    assert found["message"].startswith("compat: it reads the legacy users here too")


def test_what_was_written_since_the_load_is_pending(migrated: Settings, tmp_path: Path) -> None:
    with psycopg.connect(migrated.require_target(), autocommit=True) as conn:
        conn.execute(
            "update public.professions set specialty = 'pendiente'"
            " where id in (select id from public.professions order by id limit 2)"
        )
    text = "select id, specialty from professions; select count(*) from messages"
    answer = ask(migrated, tmp_path, text)
    professions, messages = answer.json["queries"]
    assert answer.json["pending"] == 2
    assert (professions["status"], professions["pending"]) == ("differs", 2)
    assert (messages["status"], messages["pending"]) == ("same", 0)
    assert traspaso(migrated, "sync", "tinkubot").code == 0
    assert ask(migrated, tmp_path, text).json["pending"] == 0


def test_nothing_is_compared_before_it_is_loaded(settings: Settings, tmp_path: Path) -> None:
    with psycopg.connect(settings.require_target(), autocommit=True) as conn:
        create_legacy(conn, dirt=0)
    answer = ask(settings, tmp_path, "select * from users")
    assert answer.code == 3
    assert answer.json["error"]["fix"] == "traspaso run tinkubot --through 3"


def test_a_file_that_is_not_there_is_a_mistake_in_the_command(settings: Settings) -> None:
    answer = traspaso(settings, "shadow", "tinkubot", "--queries", "nada.sql")
    assert answer.code == 2
    assert answer.json["error"]["fix"] == "traspaso shadow tinkubot --queries FILE.sql"
