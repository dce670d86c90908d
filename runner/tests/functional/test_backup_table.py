"""One table out of a backup, in place or beside."""

from dataclasses import replace

import psycopg
import pyrage
import pytest

from runner import backup
from runner.db import connect, table_checksum
from runner.errors import Refused, StepFailed, UsageProblem
from runner.plan import Plan, load_plan
from runner.settings import Settings

LEGACY = """
create table public.customers (
    id int generated always as identity primary key, phone_number text unique not null,
    notes json, photo bytea, seen_at timestamptz, "Edad ""x"" a, b" numeric(6, 2),
    initial text generated always as (substr(phone_number, 1, 1)) stored
);
insert into public.customers (phone_number, notes, photo, seen_at, "Edad ""x"" a, b")
select
    '+5939' || g, json_build_object('ñ', E'a\\tb\\n\\\\.' || g), decode(md5(g::text), 'hex'),
    '2026-01-01 00:00:00.123456+00'::timestamptz + g * interval '1 hour', g / 7.0
from generate_series(1, 2500) as g;
create table public.messages (
    id int primary key, customer_id int references public.customers on delete cascade
);
insert into public.messages select g, g from generate_series(1, 300) as g;
create table public.logs (line text, at timestamptz default now());
insert into public.logs select 'línea ' || g from generate_series(1, 50) as g;
insert into public.logs select * from public.logs limit 5;
create function public.stamp() returns trigger language plpgsql as
'begin new.notes = ''"touched"''; return new; end';
create trigger t before insert or update on public.customers
for each row execute function public.stamp();
create trigger u before insert or update on public.customers
for each row execute function public.stamp();
alter table public.customers enable always trigger u;
"""


@pytest.fixture
def plan() -> Plan:
    return load_plan("tinkubot")


@pytest.fixture
def legacy(conn: psycopg.Connection) -> psycopg.Connection:
    conn.execute(LEGACY)
    return conn


@pytest.fixture(params=["plain", "encrypted"])
def sealed(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    if request.param == "plain":
        return settings
    return replace(settings, backup_key=str(pyrage.x25519.Identity.generate()))


@pytest.fixture
def made(settings: Settings, plan: Plan, legacy: psycopg.Connection) -> backup.Backup:
    assert not legacy.closed
    return backup.create(settings, plan, 0)


def sums(settings: Settings) -> dict[str, object]:
    with connect(settings.require_target()) as conn:
        names = ("customers", "messages", "logs")
        return {name: table_checksum(conn, "public", name) for name in names}


def triggers(conn: psycopg.Connection) -> list[tuple[object, ...]]:
    return conn.execute(
        "select tgname, tgenabled from pg_trigger where not tgisinternal order by 1"
    ).fetchall()


def test_the_rows_are_as_in_the_backup_and_no_other_table_is_touched(
    sealed: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    made = backup.create(sealed, plan, 0)
    before, fired = sums(sealed), triggers(legacy)
    legacy.execute("delete from public.customers where id > 2000")
    legacy.execute("update public.customers set phone_number = 'x' || id where id < 900")
    legacy.execute("insert into public.customers (phone_number) values ('nueva')")
    legacy.execute("insert into public.messages values (1000, 1)")
    legacy.execute("update public.logs set line = 'otra'")
    changed = sums(sealed)
    done = backup.restore_table(sealed, plan, made.id, "customers", yes=True)
    assert (done.schema, done.table, done.rows, done.exact) == ("public", "customers", 2500, True)
    assert sums(sealed) == changed | {"customers": before["customers"]}
    assert triggers(legacy) == fired
    backup.restore_table(sealed, plan, made.id, "public.logs", yes=True)
    assert sums(sealed) == changed | {key: before[key] for key in ("customers", "logs")}
    # Numbers that were drawn since are not drawn again.
    row = legacy.execute("insert into public.customers (phone_number) values ('z') returning id")
    assert row.fetchone() == (2502,)


def test_rows_that_others_point_to_are_not_taken_from_under_them(
    settings: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    legacy.execute("insert into public.customers (phone_number) values ('nueva')")
    legacy.execute("insert into public.messages values (1000, 2501)")
    before = sums(settings)
    with pytest.raises(Refused, match=r"1 rows of public\.messages point to") as caught:
        backup.restore_table(settings, plan, made.id, "customers", yes=True)
    assert "--into" in caught.value.fix
    assert sums(settings) == before


def test_no_number_is_drawn_twice_after_an_emptied_table_is_put_back(
    settings: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    legacy.execute("truncate public.customers, public.messages restart identity")
    backup.restore_table(settings, plan, made.id, "customers", yes=True)
    row = legacy.execute("insert into public.customers (phone_number) values ('z') returning id")
    assert row.fetchone() == (2501,)


def test_rows_whose_own_parents_are_gone_are_refused(
    settings: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    legacy.execute("delete from public.customers where id = 7")
    before = sums(settings)
    with pytest.raises(Refused, match="foreign key"):
        backup.restore_table(settings, plan, made.id, "messages", yes=True)
    assert sums(settings) == before
    backup.restore_table(settings, plan, made.id, "customers", yes=True)
    backup.restore_table(settings, plan, made.id, "messages", yes=True)
    assert legacy.execute("select count(*) from public.messages").fetchone() == (300,)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("alter table public.customers drop column photo", "photo is gone"),
        ("alter table public.customers add column mail text", "mail is new"),
        ("alter table public.customers alter seen_at type date", "checksum"),
        (
            "alter table public.customers drop column notes, add column notes int",
            "invalid input syntax",
        ),
        ("drop table public.customers cascade", "not there any more"),
    ],
)
def test_a_table_of_another_shape_is_left_alone_and_can_be_looked_at_beside(
    *,
    change: str,
    said: str,
    settings: Settings,
    plan: Plan,
    made: backup.Backup,
    legacy: psycopg.Connection,
) -> None:
    legacy.execute(change)
    with pytest.raises(Refused, match=said) as caught:
        backup.restore_table(settings, plan, made.id, "customers", yes=True)
    assert caught.value.fix.endswith("--table public.customers --into revision")
    backup.restore_table(settings, plan, made.id, "customers", into="revision")
    assert legacy.execute(
        "select count(*), count(photo), min(phone_number) from revision.customers"
    ).fetchone() == (2500, 2500, "+59391")
    seen = legacy.execute("select seen_at from revision.customers where id::int = 1").fetchone()
    assert seen is not None
    assert ":00:00.123456" in str(seen[0])


def test_a_copy_beside_changes_nothing_else(
    sealed: Settings, plan: Plan, legacy: psycopg.Connection
) -> None:
    made = backup.create(sealed, plan, 0)
    legacy.execute("delete from public.logs")
    before = sums(sealed)
    for name in ("logs", "customers"):
        assert backup.restore_table(sealed, plan, made.id, name, into="revision").exact
    assert sums(sealed) == before
    legacy.execute("insert into public.logs select * from revision.logs")
    assert legacy.execute("select count(*) from public.logs").fetchone() == (55,)
    with pytest.raises(Refused, match=r"revision\.logs exists already"):
        backup.restore_table(sealed, plan, made.id, "logs", into="revision")
    for taken in ("public", "traspaso", "staging_tinkubot", "pg_algo"):
        with pytest.raises(Refused, match="no place for a copy"):
            backup.restore_table(sealed, plan, made.id, "logs", into=taken)


def test_a_damaged_backup_gives_no_table(
    settings: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    legacy.execute("delete from public.logs")
    victim = next(path for path in (made.path / "dump").iterdir() if path.suffix == ".gz")
    victim.write_bytes(victim.read_bytes()[:-3])
    for into in (None, "revision"):
        with pytest.raises(StepFailed, match="is damaged"):
            backup.restore_table(settings, plan, made.id, "logs", into=into, yes=True)
    assert legacy.execute("select count(*) from public.logs").fetchone() == (0,)
    assert legacy.execute("select to_regnamespace('revision') is null").fetchone() == (True,)


def test_a_name_that_is_not_in_the_backup_is_told_with_those_that_are(
    settings: Settings, plan: Plan, made: backup.Backup
) -> None:
    with pytest.raises(UsageProblem, match="customers, logs, messages"):
        backup.restore_table(settings, plan, made.id, "clientes", yes=True)


def test_without_yes_nothing_is_replaced(
    settings: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    legacy.execute("delete from public.logs")
    with pytest.raises(Refused, match="55 rows") as caught:
        backup.restore_table(settings, plan, made.id, "logs")
    assert caught.value.fix.endswith("--table logs --yes")
    assert legacy.execute("select count(*) from public.logs").fetchone() == (0,)


def test_an_application_that_holds_the_table_is_not_waited_for(
    settings: Settings, plan: Plan, made: backup.Backup, legacy: psycopg.Connection
) -> None:
    with legacy.transaction():
        legacy.execute("update public.logs set line = 'otra'")
        with pytest.raises(Refused, match="lock"):
            backup.restore_table(
                settings, replace(plan, lock_timeout_ms=100), made.id, "logs", yes=True
            )
