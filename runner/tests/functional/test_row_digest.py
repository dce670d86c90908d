"""The macro row_digest: the same in DuckDB and PostgreSQL."""

import datetime as dt
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.db import SESSION

MACROS = Path(__file__).resolve().parents[3] / "macros"
FILES = ("types/shared_text.sql", "tests/row_digest.sql")

# What DuckDB's file may hold and PostgreSQL takes, its edges included.
VALUES: dict[str, st.SearchStrategy[str]] = {
    "varchar(200)": st.text(
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20
    ),
    "text": st.sampled_from(("", " ", "=", "\x1f", "\x01", "null", "ñandú 👍", "ab", "a\x1f=b")),
    "boolean": st.sampled_from(("true", "false")),
    "smallint": st.integers(-(2**15), 2**15 - 1).map(str),
    "integer": st.integers(-(2**31), 2**31 - 1).map(str),
    "bigint": st.integers(-(2**63), 2**63 - 1).map(str),
    "numeric(18,2)": st.decimals(-(10**16) + 1, 10**16 - 1, places=2).map(lambda n: f"{n:f}"),
    "numeric(12,4)": st.decimals(-(10**8) + 1, 10**8 - 1, places=4).map(lambda n: f"{n:f}"),
    "decimal(4,2)": st.decimals(-99, 99, places=2).map(lambda n: f"{n:f}"),
    "numeric(38,10)": st.integers(0, 10**38 - 1).map(
        lambda n: f"-{n // 10**10}.{n % 10**10:010d}"
    ),
    "date": st.dates().map(str) | st.sampled_from(
        ("infinity", "-infinity", "0044-03-15 BC", "4713-01-01 BC", "12024-02-29", "5874897-12-31")
    ),
    "time": st.times().map(str) | st.sampled_from(("24:00:00", "00:00:00", "23:59:59.999999")),
    "timestamp": st.datetimes(min_value=dt.datetime(1, 1, 1)).map(str) | st.sampled_from(  # noqa: DTZ001
        ("infinity", "-infinity", "0044-03-15 01:02:03.000004 BC", "4713-01-01 00:00:00 BC",
         "12024-02-29 10:00:00", "290000-12-31 23:59:59.999999")
    ),
}  # fmt: skip
COLUMNS = [{"name": f"c{n}", "data_type": name} for n, name in enumerate(VALUES)]
ROW = st.tuples(*(st.none() | values for values in VALUES.values()))

Row = Sequence[str | None]


@cache
def macros() -> Any:
    environment = jinja2.Environment(autoescape=False, extensions=["jinja2.ext.do"])  # noqa: S701
    text = "\n".join((MACROS / file).read_text(encoding="utf-8") for file in FILES)
    return environment.from_string(text).module


def as_duckdb(kind: str, value: str) -> str:
    if kind in {"date", "timestamp"} and value.endswith(" BC"):
        day, _, rest = value.removesuffix(" BC").partition(" ")
        return f"{day} (BC) {rest}".strip()
    return value


def select(dialect: str) -> str:
    digest = getattr(macros(), f"{dialect}__row_digest")(COLUMNS, "r")
    return f"select count(*), sum({digest}) from given as r"  # noqa: S608


class Engines:
    """One table of every type, empty, in each engine."""

    def __init__(self, postgres: psycopg.Connection) -> None:
        self.postgres, self.duckdb = postgres, duckdb.connect()
        columns = ", ".join(f"{column['name']} {column['data_type']}" for column in COLUMNS)
        for conn in (self.postgres, self.duckdb):
            conn.execute(f"create table given ({columns})")
        for name in ("DateStyle", "TimeZone"):
            self.postgres.execute("select set_config(%s, %s, false)", (name, SESSION[name]))

    def both(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        """Fill both with the rows; return what each says of them."""
        kinds = [column["data_type"] for column in COLUMNS]
        marks = ", ".join(["%s"] * len(COLUMNS))
        self.postgres.execute("truncate given")
        self.duckdb.execute("truncate given")
        for row in rows:
            self.postgres.execute(f"insert into given values ({marks})", row)  # noqa: S608
            self.duckdb.execute(
                f"insert into given values ({marks.replace('%s', '?')})",  # noqa: S608
                [
                    value if value is None else as_duckdb(kind, value)
                    for kind, value in zip(kinds, row, strict=True)
                ],
            )
        theirs = self.postgres.execute(select("postgres").encode()).fetchone()
        ours = self.duckdb.execute(select("duckdb")).fetchone()
        return [str(value) for value in ours or ()], [str(value) for value in theirs or ()]


@pytest.fixture
def engines(conn: psycopg.Connection) -> Engines:
    return Engines(conn)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(ROW, max_size=3))
def test_both_engines_have_the_same_digest_of_the_same_rows(
    engines: Engines, rows: list[Row]
) -> None:
    ours, theirs = engines.both(rows)
    assert ours == theirs
    assert engines.both(rows[::-1]) == (ours, theirs)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ROW, st.data())
def test_one_changed_value_changes_the_digest_of_both(
    engines: Engines, row: Row, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(COLUMNS) - 1))
    other = data.draw(st.none() | [*VALUES.values()][place])
    changed = [*row[:place], other, *row[place + 1 :]]
    before, _ = engines.both([row])
    after, theirs = engines.both([changed])
    assert after == theirs
    assert (before == after) == (row[place] == other)


def test_a_type_that_is_not_written_alike_is_refused() -> None:
    with pytest.raises(jinja2.UndefinedError):
        macros().postgres__row_digest([{"name": "a", "data_type": "double precision"}], "r")
    with pytest.raises(jinja2.UndefinedError):
        macros().duckdb__row_digest([{"name": "a", "data_type": "numeric"}], "r")


def test_null_is_no_empty_text(engines: Engines) -> None:
    place = [*VALUES].index("text")
    found = set()
    for text in (None, "", "=", "\x01", " "):
        row = [None] * len(COLUMNS)
        ours, theirs = engines.both([[*row[:place], text, *row[place + 1 :]]])
        assert ours == theirs
        found.add(ours[1])
    assert len(found) == 5
