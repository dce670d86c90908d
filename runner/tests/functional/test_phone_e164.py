"""The macro phone_e164, run by dbt on both engines, held against the phonenumbers library."""

import json
import os
import random
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import duckdb
import phonenumbers
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneNumberFormat, ValidationResult
from phonenumbers.phonemetadata import PhoneMetadata

from runner.server import PgServer

ROOT = Path(__file__).resolve().parents[3]
SEEDS = ROOT / "seeds" / "comun"

# Reads a batch of texts; one result a text.
Reader = Callable[[Sequence[str | None]], list[str | None]]

DIGITS = "0123456789"
# Punctuation to the library, wherever it stands.
INSIDE = (
    "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc\uff0d\uff0e\uff0f ./()[]~\uff5e\u00a0"
    "\u00ad\u200b\u2060\u3000\uff08\uff09\uff3b\uff3d\u2053\u223c"
)
# Ignored only around a number.
AROUND = "\t\n\v\f\r\u0085\u1680\u2003\u200d\u200e\u2028\u202a\u202c\u202f\u2066\u2069\ufeff"
PLUS = "+\uff0b"
DOMAIN = DIGITS + PLUS + INSIDE + AROUND

CODES = sorted(COUNTRY_CODE_TO_REGION_CODE)
# Their prefixes are more than a digit or two.
INTRICATE = (1, 44, 54, 55, 57, 61, 81, 82, 86, 241, 261, 298, 352, 375, 378, 423, 506, 591, 672)
# What is written before a national number: trunk prefixes, carriers, mistakes.
PREFIXES = ("", "", "0", "00", "1", "8", "9", "06", "80", "015", "03", "90", "(0)", "0 15", "593")
DIALLED = ("+", "+", "00", "", "+00", "++", "\uff0b", "0", "000", "+0")

# The column and its table have the names of the macro's own, which must not hide them.
MODEL = "select ordinal, {{ phone_e164('body') }} as e164 from {{ target.schema }}.given"
CLEAR = "delete from given"
READ = "select e164 from leidos order by ordinal"


@cache
def library(text: str | None) -> str | None:
    """Read a telephone number as the library does from Ecuador."""
    if text is None:
        return None
    try:
        number = phonenumbers.parse(text, "EC")
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


@cache
def examples(code: int) -> tuple[str, ...]:
    """Return the library's own example numbers of a calling code, without the code."""
    region = COUNTRY_CODE_TO_REGION_CODE[code][0]
    plan = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    assert plan is not None
    kinds = (
        *(plan.fixed_line, plan.mobile, plan.toll_free, plan.premium_rate, plan.shared_cost),
        *(plan.personal_number, plan.voip, plan.pager, plan.uan, plan.voicemail),
    )
    return tuple(kind.example_number for kind in kinds if kind and kind.example_number)


@cache
def prefixed(code: int) -> st.SearchStrategy[str]:
    """Make national numbers that begin with the country's prefix, in all its forms."""
    region = COUNTRY_CODE_TO_REGION_CODE[code][0]
    plan = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    assert plan is not None
    digits = st.text(DIGITS, max_size=12)
    pattern = plan.national_prefix_for_parsing
    if not pattern:
        return digits
    prefix = st.from_regex(pattern.replace(r"\d", "[0-9]"), fullmatch=True, alphabet=DIGITS)
    return st.builds(
        str.__add__, prefix, st.one_of(st.just(""), st.sampled_from(examples(code)), digits)
    )


def written(rnd: random.Random) -> str:
    """Write down a telephone number as somebody might, or might not."""
    code = rnd.choice(rnd.choice((CODES, INTRICATE, (593,))))
    if rnd.random() < 0.4:
        national = rnd.choice(examples(code))
    else:
        national = "".join(rnd.choices(DIGITS, k=rnd.randint(0, 13)))
    national = rnd.choice(PREFIXES) + national
    text = (
        national if code == 593 and rnd.random() < 0.4 else f"{rnd.choice(DIALLED)}{code}{national}"
    )
    if rnd.random() < 0.5:
        text = "".join((rnd.choice(INSIDE) if rnd.random() < 0.2 else "") + sign for sign in text)
    if rnd.random() < 0.1:
        text += rnd.choice(("~", " ~ ", "\uff5e", "\t~.\t", "\u200b~-")) + str(
            rnd.randrange(10**10)
        )
    if rnd.random() < 0.3:
        text = rnd.choice(AROUND + INSIDE) + text + rnd.choice(AROUND + INSIDE + PLUS)
    if rnd.random() < 0.05:
        place = rnd.randint(0, len(text))
        text = text[:place] + rnd.choice(AROUND + PLUS) + text[place:]
    return text


TEXTS = st.one_of(
    st.randoms(use_true_random=False).map(written),
    st.builds(
        "{}{}".format,
        st.sampled_from(("+", "00", "+00")),
        st.sampled_from((*CODES, *INTRICATE * 5)).flatmap(
            lambda code: prefixed(code).map(lambda national: f"{code}{national}")
        ),
    ),
    st.text(DOMAIN, max_size=24),
)


def build(folder: Path, profile: dict[str, object]) -> None:
    """Build a project of the macro, its seed and a view that reads the table `given`."""
    for name in ("macros", "seeds", "models"):
        (folder / name).mkdir()
    shutil.copy(ROOT / "macros" / "types" / "phone_e164.sql", folder / "macros")
    shutil.copy(SEEDS / "planes_numeracion.csv", folder / "seeds")
    shutil.copy(SEEDS / "planes_numeracion.yml", folder / "seeds")
    (folder / "models" / "leidos.sql").write_text(MODEL)
    project = {
        "name": "traspaso",
        "version": "1.0.0",
        "profile": "p",
        "flags": {"send_anonymous_usage_stats": False},
        "models": {"+materialized": "view"},
        "seeds": {"+quote_columns": False},
    }
    (folder / "dbt_project.yml").write_text(json.dumps(project))
    profiles = {"p": {"target": "t", "outputs": {"t": profile | {"threads": 1}}}}
    (folder / "profiles.yml").write_text(json.dumps(profiles))
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), "build", "--exclude-resource-type", "test"],
        cwd=folder,
        # The variables of somebody's own dbt would lead it to another project.
        env={name: value for name, value in os.environ.items() if not name.startswith("DBT_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def duckdb_reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("duckdb")
    path = str(folder / "p.duckdb")
    with duckdb.connect(path) as conn:
        conn.execute("create table given (ordinal integer, body text)")
    build(folder, {"type": "duckdb", "path": path, "schema": "main"})
    with duckdb.connect(path) as conn:

        def read(texts: Sequence[str | None]) -> list[str | None]:
            conn.execute(CLEAR)
            conn.execute(
                "insert into given select unnest(range(len($1))), unnest($1::text[])", [texts]
            )
            return [e164 for (e164,) in conn.execute(READ).fetchall()]

        yield read


@pytest.fixture(scope="module")
def postgres_reader(pg: PgServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    url = pg.create_database("telefonos")
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("create table public.given (ordinal integer, body text)")
        build(
            tmp_path_factory.mktemp("postgres"),
            {
                "type": "postgres",
                "host": conn.info.host,
                "port": conn.info.port,
                "user": conn.info.user,
                "password": conn.info.password,
                "dbname": conn.info.dbname,
                "schema": "public",
            },
        )

        def read(texts: Sequence[str | None]) -> list[str | None]:
            conn.execute(CLEAR)
            conn.execute(
                "insert into given select row_number() over (), t from unnest(%s::text[]) as t",
                [texts],
            )
            return [e164 for (e164,) in conn.execute(READ).fetchall()]

        yield read
    pg.drop_database("telefonos")


@pytest.fixture(scope="module")
def readers(duckdb_reader: Reader, postgres_reader: Reader) -> dict[str, Reader]:
    return {"duckdb": duckdb_reader, "postgres": postgres_reader}


def differences(
    readers: dict[str, Reader], expected: dict[str, str | None]
) -> list[tuple[str, str, str | None, str | None]]:
    """List (engine, text, expected, read) where a reading differs."""
    return [
        (engine, ascii(text), e164, found)
        for engine, read in readers.items()
        for (text, e164), found in zip(expected.items(), read(list(expected)), strict=True)
        if found != e164
    ]


# In the domain: the library says the same, which the test holds too.
EXPECTED = {
    "0991234567": "+593991234567",
    "+593991234567": "+593991234567",
    "593991234567": "+593991234567",
    "991234567": "+593991234567",
    "00593 99 123 4567": "+593991234567",
    "(02) 223-4567": "+59322234567",
    "593 (0)99 123 4567": "+593991234567",
    "\u202a+593\u00a099\u2011123\u20114567\u202c": "+593991234567",
    "1800 123 456": "+5931800123456",
    "+44 (0)20 7946 0018": "+442079460018",
    "0039 06 698 12345": "+390669812345",
    "+54 0 11 15 2345-6789": "+5491123456789",
    "+55 (031 21) 98765-4321": "+5521987654321",
    "+52 55 1234 5678": "+525512345678",
    "+261 2212345": "+261202212345",
    "0991234567 ~ 12": "+593991234567",
    "2234567": None,
    "+999 123 456 789": None,
    "099\t1234567": None,
    "+593+991234567": None,
    "": None,
    " - ": None,
    "0991234567" + " " * 240: "+593991234567",
    "0991234567" + " " * 241: None,
}

# Not in the domain: no number here, whatever the library makes of it.
NARROWER = (
    "Tel: 0991234567",
    "0991234567 ext. 12",
    "0991234567x12",
    "0991234567;12",
    "0991234567,,12",
    "0991234567#",
    "*0991234567",
    "0991234567_",
    "1-800-FLOWERS",
    "593991234567@c.us",
    "123456789012345@lid",
    "\u0660\u0669\u0669\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
    "\uff10\uff19\uff19\uff11\uff12\uff13\uff14\uff15\uff16\uff17",
)


def test_examples_are_read_as_documented(readers: dict[str, Reader]) -> None:
    assert {text: library(text) for text in EXPECTED} == EXPECTED
    assert differences(readers, EXPECTED) == []


def test_what_is_outside_the_domain_is_no_number(readers: dict[str, Reader]) -> None:
    assert differences(readers, dict.fromkeys(NARROWER)) == []


def test_null_stays_null(readers: dict[str, Reader]) -> None:
    assert [read([None, "0991234567"])[0] for read in readers.values()] == [None, None]


def test_each_length_of_each_plan_is_read_as_the_library_does(readers: dict[str, Reader]) -> None:
    texts = [
        f"+{code}{trunk}{(examples(code)[0] + DIGITS * 2)[:length]}"
        for code in CODES
        for trunk in ("", "0", "8")
        for length in range(1, 18)
    ]
    assert differences(readers, {text: library(text) for text in texts}) == []


def test_ten_thousand_numbers_are_read_as_the_library_does(readers: dict[str, Reader]) -> None:
    rnd = random.Random(593)  # noqa: S311 - the same numbers every time
    texts = [written(rnd) for _ in range(10_000)]
    expected = {text: library(text) for text in texts}
    assert differences(readers, expected) == []
    # Not by never finding a number, nor by finding one in everything.
    found = sum(e164 is not None for e164 in expected.values())
    assert 0.2 < found / len(expected) < 0.8


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(texts=st.lists(TEXTS, min_size=1, max_size=40))
def test_any_text_of_the_domain_is_read_as_the_library_does(
    readers: dict[str, Reader], texts: list[str]
) -> None:
    assert differences(readers, {text: library(text) for text in texts}) == []


def test_the_seed_is_what_the_generator_makes_of_this_library() -> None:
    render = runpy.run_path(str(SEEDS / "generate_planes_numeracion.py"))["render"]
    assert (SEEDS / "planes_numeracion.csv").read_text(encoding="utf-8") == render()
