"""A file of recorded queries is split, named and redirected by what PostgreSQL would read."""

from pathlib import Path

import pytest

from runner.errors import UsageProblem
from runner.recorded import lex, parse, read_queries

MOVED = {"users", "messages"}


def redirected(text: str) -> str:
    (query,) = parse(text)
    return query.redirected("public", MOVED, "compat_x")


def test_semicolons_in_strings_and_comments_end_nothing() -> None:
    text = """select 'a;b', E'it\\'s;', '\\' /* ; */ -- ;
        , ";", $$;$$, $q$ ; $$ $q$, a # b"""
    assert [query.text for query in parse(f"{text};\nselect 2")] == [text, "select 2"]


def test_nothing_of_the_text_is_lost() -> None:
    text = 'select \'a\\\', é.ñ[1]::text, 1.5e3 ~* $1 -- fin\n/* x */ from "T""t" ; \\d'
    assert "".join(token.text for token in lex(text)) == text


def test_a_comment_names_the_query_after_it() -> None:
    queries = parse(
        'select 1; -- name: providers by city\n-- params: ["Quito", 3, null, ["a", 1], true]\n\n'
        "select $1, $2, $3, $4, $5;\n;\nselect 3"
    )
    assert [(query.name, query.line) for query in queries] == [
        ("query 1 (line 1)", 1),
        ("providers by city", 4),
        ("query 3 (line 6)", 6),
    ]
    assert queries[1].parameters == ("Quito", "3", None, '{"a","1"}', "true")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select * from public.users", 'select * from "compat_x".users'),
        ('table PUBLIC . "users"', 'table "compat_x" . "users"'),
        ("select public.users.id", 'select "compat_x".users.id'),
        ("select * from public.users as u join public.messages using (id)",
         'select * from "compat_x".users as u join "compat_x".messages using (id)'),
    ],
)  # fmt: skip
def test_a_qualified_name_of_a_moved_table_is_redirected(text: str, expected: str) -> None:
    assert redirected(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "select 'public.users;'",
        "select E'\\'public.users'",
        "select '\\', public, 'public.users'",
        "select $$public.users$$",
        "select 1 -- public.users",
        "select /* public.users */ 1",
        'select "public.users"',
        "select * from public.other",
        "select public.users(1)",
        "select other.public.users",
        'select * from public."Users"',
        "select * from users",
        "select public",
    ],
)
def test_all_else_stays_as_it_is(text: str) -> None:
    assert redirected(text) == text


@pytest.mark.parametrize(
    ("text", "objection"),
    [
        ("insert into users values (1)", "INSERT"),
        ("UPDATE users set a = 1", "UPDATE"),
        ("with gone as (delete from users returning *) select * from gone", "DELETE"),
        ("with one as (select 1) insert into users select * from one", "INSERT"),
        ("select * into copy from users", "SELECT INTO"),
        ("begin", "BEGIN"),
        ("copy users to stdout", "COPY"),
        ("explain analyze delete from users", "EXPLAIN"),
        ("\\d users", "\\"),
        ("select max(update), 'insert into x' from t -- delete from t", None),
        ("(select 1) union (select 2)", None),
        ("values (1)", None),
        ("table users", None),
    ],
)
def test_what_writes_is_told_by_its_words(text: str, objection: str | None) -> None:
    (query,) = parse(text)
    assert query.objection() == objection


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("select * from t order by b desc nulls last, 1", [1, 0]),
        ("select * from t order by b limit 3", [1]),
        ("select * from t order by t.b", None),
        ("select * from t order by lower(b)", None),
        ("select * from t order by b, c", None),
        ("select row_number() over (order by b) from t", None),
    ],
)
def test_the_sort_key_is_known_where_it_is_returned(text: str, key: list[int] | None) -> None:
    (query,) = parse(text)
    assert query.sort_key(["a", "b"]) == key
    assert query.is_ordered == ("over" not in text)


def test_all_statements_that_write_are_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "q.sql"
    file.write_text("-- name: gone\ndelete from a;\nselect 1;\ndrop table a;")
    with pytest.raises(UsageProblem) as raised:
        read_queries(file, "again")
    assert "gone (line 2): DELETE; query 3 (line 4): DROP" in raised.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot read"),
        ("-- nothing\n;", "there is no query"),
        ("select $2", r"\$2 is the last, 0 given"),
        ('-- params: ["x"]\nselect 1', r"\$0 is the last, 1 given"),
        ("-- params: x\nselect $1", "no JSON list"),
    ],
)
def test_a_file_that_cannot_be_run_is_said(tmp_path: Path, text: str | None, message: str) -> None:
    file = tmp_path / "q.sql"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UsageProblem, match=message):
        read_queries(file, "again")


def test_parameters_may_be_chosen_by_a_query_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "queries.sql"
    path.write_text(
        "-- name: recent\n-- choose: select max(fecha) - 30 from facturas\nselect $1;",
        encoding="utf-8",
    )
    (query,) = read_queries(path, "again", chosen=True)
    assert (query.name, query.choose) == ("recent", "select max(fecha) - 30 from facturas")
    assert query.text == "select $1"
    with pytest.raises(UsageProblem, match="recent \\(line 3\\): \\$1 is the last, 0 given"):
        read_queries(path, "again")
