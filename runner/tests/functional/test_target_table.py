"""The materialization target_table, run by dbt on both engines on the sample legacy.

Each test has a copy of one database in which the sample is built already.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg import sql

from runner.server import PgServer
from runner.tests.functional.helpers.dbt_project import Project

DATABASE = "trabajo"
BUILT = "plantilla"
READER = "lector_de_prueba"
TABLES = ("run", "--select", "config.materialized:target_table")

LINES = """
    select object, definition
    from traspaso.catalog_lines(array['tinkubot', 'traspaso'])
    order by object, definition
"""
FINGERPRINT = "{{ catalog_fingerprint(['tinkubot', 'traspaso']) }}"
OIDS = """
    select 'relation', oid::regclass::text, oid from pg_class
    where relnamespace in ('tinkubot'::regnamespace, 'traspaso'::regnamespace)
    union all
    select 'constraint', conrelid::regclass || '.' || conname, oid from pg_constraint
    where connamespace in ('tinkubot'::regnamespace, 'traspaso'::regnamespace)
    order by 1, 2
"""
NAMES = "select schemaname, tablename from pg_tables where schemaname in ('tinkubot', 'traspaso')"
CONTENT = """
    select count(*), sum(hashtextextended(t::text, 0)), sum(hashtextextended({}, 0)) from {} as t
"""
FATES = """
    select source_table, source_key, fate, reasons, target_key
    from traspaso.row_fates
    where target_table = 'clientes'
"""


class Content(NamedTuple):
    """A table's rows: how many, what is in them, and which versions of them they are."""

    rows: int
    checksum: int
    versions: int


@dataclass(frozen=True)
class State:
    """What a database looks like."""

    catalog: list[tuple[str, str]]
    oids: list[tuple[str, str, int]]
    tables: dict[str, Content]

    @property
    def definitions(self) -> list[tuple[str, str]]:
        """The catalog without where the sequences stand."""
        return [line for line in self.catalog if not line[0].endswith(" position")]

    @property
    def values(self) -> dict[str, tuple[int, int]]:
        """What is in the final tables, in whatever versions of the rows."""
        return {
            name: (content.rows, content.checksum)
            for name, content in self.tables.items()
            if name.startswith("tinkubot.")
        }


@dataclass(frozen=True)
class Built:
    """A database with the sample built in it, and dbt on it."""

    dbt: Project
    conn: psycopg.Connection

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        cursor = self.conn.execute(sql.SQL(statement))
        return cursor.fetchall() if cursor.description else []

    def state(self) -> State:
        tables = {}
        for schema, table in self.execute(NAMES):
            name = sql.Identifier(schema, table)
            version = sql.SQL("ctid::text || xmin::text")
            found = self.conn.execute(sql.SQL(CONTENT).format(version, name)).fetchone()
            assert found
            tables[f"{schema}.{table}"] = Content(*found)
        return State(self.execute(LINES), self.execute(OIDS), tables)

    def start_over(self) -> None:
        """Take the final tables and the evidence away."""
        self.execute("drop schema tinkubot cascade")
        self.execute("truncate traspaso.row_fates, traspaso.repairs")
        self.execute("create schema tinkubot")


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as conn:
        yield conn


@pytest.fixture(scope="session")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Parse the project once for all servers."""
    return Project("postgres", tmp_path_factory.mktemp("dbt"), {"PGDATABASE": DATABASE})


@pytest.fixture(scope="module")
def project(pg: PgServer, parsed: Project) -> Iterator[Project]:
    """Build the sample once on each server."""
    url = pg.create_database(DATABASE)
    with connected(url) as conn:
        parsed.environment |= {"PGHOST": conn.info.host, "PGUSER": conn.info.user}
    parsed.run("build", "--exclude-resource-type", "test", "unit_test")
    with connected(pg.url()) as conn:
        conn.execute(f"alter database {DATABASE} rename to {BUILT}")
    yield parsed
    pg.drop_database(BUILT)


@pytest.fixture
def built(pg: PgServer, project: Project) -> Iterator[Built]:
    with connected(pg.url()) as conn:
        conn.execute(f"create database {DATABASE} template {BUILT}")
    with connected(pg.url(DATABASE)) as conn:
        yield Built(project, conn)
    pg.drop_database(DATABASE)


def test_three_runs_leave_catalog_oids_and_rows_as_they_were(built: Built) -> None:
    first = built.state()
    assert first.tables["tinkubot.clientes"].rows > 100

    built.dbt.run(*TABLES)
    second = built.state()
    built.dbt.run(*TABLES)

    assert second == first
    assert built.state() == first


def test_the_type_macros_and_the_mappings_hold_on_this_server(built: Built) -> None:
    results = built.dbt.run("test", "--select", "path:tests/types", "test_type:unit").results

    # dbt fails where one of them does; the hook's result is among them.
    assert sum(result.status == "pass" for result in results) > 30


def test_the_fingerprint_is_that_of_the_catalog_lines(built: Built) -> None:
    query = built.dbt.compiled(FINGERPRINT)
    before = built.execute(query)

    assert built.execute(query) == before
    for change in (
        "alter table tinkubot.clientes drop constraint clientes_estado_check",
        "alter index tinkubot.idx_clientes_ciudad rename to idx_otro",
        "alter table tinkubot.clientes alter estado drop default",
        "comment on column tinkubot.clientes.ciudad is 'otra'",
        "grant select on tinkubot.clientes to public",
        "select nextval('tinkubot.profesiones_id_seq')",
    ):
        built.execute(change)
        after = built.execute(query)
        assert after != before, change
        before = after


def test_a_parents_re_run_keeps_the_childs_foreign_key(built: Built) -> None:
    before = built.state()
    built.execute("update legado_tinkubot.customers set city = 'Puyo'")

    built.dbt.run("run", "--select", "tinkubot__clientes")

    after = built.state()
    assert (after.catalog, after.oids) == (before.catalog, before.oids)
    assert after.tables["tinkubot.clientes"] != before.tables["tinkubot.clientes"]
    children = "tinkubot.solicitudes_servicio"
    assert after.tables[children] == before.tables[children]


def test_a_parent_that_was_empty_keeps_the_childs_foreign_key(built: Built) -> None:
    before = built.state().definitions
    built.execute("truncate tinkubot.clientes cascade")

    built.dbt.run("run", "--select", "tinkubot__clientes")

    assert built.state().definitions == before
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        built.execute(
            "insert into tinkubot.solicitudes_servicio (cliente_id, telefono)"
            " values (gen_random_uuid(), '+593991234567')"
        )


def test_full_refresh_is_refused_and_changes_nothing(built: Built) -> None:
    before = built.state()
    built.execute("update legado_tinkubot.users set city = 'Puyo'")

    message = built.dbt.refused("run", "--full-refresh", "--select", "tinkubot__proveedores")

    assert "is a final table: it is never dropped, so --full-refresh is refused" in message
    assert "traspaso rollback tinkubot --to 0" in message
    assert built.state() == before


def test_empty_only_creates(built: Built) -> None:
    built.start_over()

    built.dbt.run(*TABLES, "--empty")

    created = built.state()
    assert len(created.tables) > 10
    assert {name for name, content in created.tables.items() if content.rows} <= {
        "traspaso.planes_numeracion",
        "traspaso.tinkubot__customers_historia",
        "traspaso.tinkubot__users_historia",
    }
    built.dbt.run(*TABLES, "--empty")
    assert built.state() == created


def test_empty_leaves_a_filled_table_as_it_is(built: Built) -> None:
    before = built.state()
    built.execute("update legado_tinkubot.users set city = 'Puyo'")

    built.dbt.run(*TABLES, "--empty")

    assert built.state() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("alter table tinkubot.proveedores drop rating cascade", "it lacks rating"),
        ("alter table tinkubot.proveedores add apodo text", "its contract lacks apodo"),
        (
            "alter table tinkubot.proveedores rename telefono to celular",
            "it lacks telefono; its contract lacks celular",
        ),
    ],
)
def test_a_table_in_another_shape_is_refused(built: Built, change: str, said: str) -> None:
    built.execute(change)
    before = built.state()

    message = built.dbt.refused("run", "--select", "tinkubot__proveedores")

    assert "is there already, in another shape" in message
    assert said in message
    assert "Rename that table, or alter it to the contract" in message
    assert built.state() == before


def test_loading_bare_puts_keys_indexes_and_comments_back(built: Built) -> None:
    values = built.state().values
    built.start_over()
    built.dbt.run(*TABLES, "--empty")
    created = built.state()

    built.dbt.run(*TABLES)

    loaded = built.state()
    assert loaded.definitions == created.definitions
    assert loaded.values == values


def test_sequences_go_on_after_the_last_id(built: Built) -> None:
    insert = "insert into tinkubot.profesiones (nombre) values (md5(random()::text)) returning id"
    highest = built.execute("select max(id) from tinkubot.profesiones")[0][0]

    assert built.execute(insert) == [(highest + 1,)]
    built.execute("delete from tinkubot.profesiones where id > (select max(id) from"
                  " legado_tinkubot.professions)")  # fmt: skip
    built.execute(
        "insert into legado_tinkubot.professions (id, name) values (70000, 'Deshollinador')"
    )
    built.dbt.run("run", "--select", "tinkubot__profesiones")
    assert built.execute(insert) == [(70001,)]
    # Neither does it go back, when the highest is gone.
    built.execute("delete from legado_tinkubot.professions where id = 70000")
    built.dbt.run("run", "--select", "tinkubot__profesiones")
    assert built.execute(insert) == [(70002,)]


def test_grants_to_another_role_survive(built: Built) -> None:
    built.execute(f"create role {READER}")
    try:
        built.execute(f"grant select, insert on tinkubot.clientes to {READER}")
        built.execute(f"grant update (ciudad) on tinkubot.clientes to {READER}")
        built.execute(f"grant usage on sequence tinkubot.profesiones_id_seq to {READER}")
        before = built.state()
        assert sum(READER in definition for _, definition in before.catalog) == 3

        some = ("run", "--select", "tinkubot__clientes", "tinkubot__profesiones")
        built.execute("update legado_tinkubot.customers set city = 'Puyo'")
        built.dbt.run(*some)
        assert built.state().catalog == before.catalog

        built.execute("truncate tinkubot.clientes, tinkubot.profesiones cascade")
        built.dbt.run(*some)
        assert built.state().definitions == before.definitions
    finally:
        built.execute(f"drop owned by {READER}")
        built.execute(f"drop role {READER}")


def test_providers_that_exchange_phones_are_loaded(built: Built) -> None:
    loaded = built.execute("select id, telefono from tinkubot.proveedores order by id limit 3")
    before = built.state()
    phones = {
        one: telephone
        for (one, _), (_, telephone) in zip(loaded, loaded[1:] + loaded[:1], strict=True)
    }
    for key, telephone in phones.items():
        built.conn.execute(
            "update legado_tinkubot.users set phone_number = %s where id = %s", [telephone, key]
        )

    built.dbt.run("run", "--select", "tinkubot__proveedores")

    found = dict(built.execute("select id, telefono from tinkubot.proveedores"))
    assert {key: found[key] for key in phones} == phones
    after = built.state()
    assert after.definitions == before.definitions
    content = after.tables["tinkubot.proveedores"]
    assert content.rows == before.tables["tinkubot.proveedores"].rows


def test_evidence_of_other_rows_is_untouched_by_a_re_run(built: Built) -> None:
    evidence = "select source_table, source_key, run_id, xmin, ctid from traspaso.row_fates"
    before = set(built.execute(evidence))
    assert len(before) > 20
    built.execute(
        "update legado_tinkubot.users set user_type = 'nadie', phone_number = null"
        " where id = (select id from tinkubot.proveedores order by id limit 1)"
    )

    built.dbt.run("run", "--select", "tinkubot__proveedores")

    after = set(built.execute(evidence))
    assert before < after
    assert [row[0] for row in after - before] == ["users"]


FAILING = """
create function tinkubot.falla() returns trigger language plpgsql as
$$ begin raise exception 'falla a propósito'; end $$;
create trigger falla before insert or update or delete on {} for each statement
execute function tinkubot.falla()
"""


@pytest.mark.parametrize(
    ("where", "emptied"),
    [("tinkubot.proveedores", False), ("traspaso.repairs", False), ("traspaso.repairs", True)],
)
def test_a_load_that_fails_leaves_everything_as_it_was(
    built: Built, where: str, emptied: bool
) -> None:
    if emptied:
        built.execute("truncate tinkubot.proveedores cascade")
    built.execute("update legado_tinkubot.users set city = 'Puyo', name = null")
    built.execute(FAILING.format(where))
    before = built.state()

    message = built.dbt.refused("run", "--select", "tinkubot__proveedores")

    assert "falla a propósito" in message
    assert built.state() == before


def test_the_sessions_time_zone_changes_no_value(built: Built) -> None:
    # Built in the server's own zone, America/Guayaquil.
    before = built.state().values
    built.start_over()

    built.dbt.run(*TABLES, PGOPTIONS="-c TimeZone=Asia/Kathmandu")
    assert built.state().values == before


# Rows that collide: against the rule in Python. ------------------------------------------------


FIRST = datetime(2025, 1, 1)  # noqa: DTZ001  the target's timestamps are naive


class Legacy(NamedTuple):
    """A legacy row of clientes: a customer, or a client in users."""

    source: str
    key: str
    phone: str
    updated: datetime | None


class Fate(NamedTuple):
    """What became of a row that was not loaded."""

    fate: str
    reasons: frozenset[str]
    target_key: str


class Outcome(NamedTuple):
    """The keys that were loaded with their sources' phones, and the fates of the others."""

    loaded: frozenset[tuple[str, str]]
    fates: dict[tuple[str, str], Fate]


def greedy(rows: Sequence[Legacy]) -> Outcome:
    """Take the rows in their order; each that meets none of those taken before is taken."""
    # Customers before users, then the last updated, an unknown time last, then by key.
    in_order = sorted(
        rows,
        key=lambda row: (
            row.source,
            row.updated is None,
            row.updated and FIRST - row.updated,
            row.key,
        ),
    )
    taken: list[Legacy] = []
    for row in in_order:
        if not any(row.key == other.key or row.phone == other.phone for other in taken):
            taken.append(row)
    fates = {}
    for row in rows:
        if row in taken:
            continue
        by_key = next((other for other in taken if other.key == row.key), None)
        by_phone = next((other for other in taken if other.phone == row.phone), None)
        reasons = {"id:unique"} if by_key else set()
        reasons |= {"telefono:unique"} if by_phone else set()
        winner = by_key or by_phone
        assert winner
        fates[row.source, row.key] = Fate("merged", frozenset(reasons), winner.key)
    return Outcome(frozenset((row.key, row.phone) for row in taken), fates)


def legacy_row(source: str, key: int, telephone: int, updated: int | None) -> Legacy:
    return Legacy(
        source,
        f"00000000-0000-4000-a000-{key:012d}",
        f"+593990000{telephone:03d}",
        None if updated is None else FIRST + timedelta(days=updated),
    )


LEGACIES = st.lists(
    st.builds(
        legacy_row,
        st.sampled_from(("customers", "users")),
        st.integers(1, 25),
        st.integers(1, 15),
        st.one_of(st.none(), st.integers(0, 3)),
    ),
    min_size=10,
    max_size=50,
    # A legacy table has an id once; both tables may have the same.
    unique_by=lambda row: (row.source, row.key),
)

# a meets b by phone, b meets c by id: b goes, and c may stay.
CHAIN = [
    legacy_row("customers", 1, 1, 3),
    legacy_row("customers", 2, 1, 1),
    legacy_row("users", 2, 2, 2),
]

CLEAR = ("delete from legado_tinkubot.customers", "delete from legado_tinkubot.users")
INSERT = {
    "customers": "insert into legado_tinkubot.customers (id, phone_number, notes, updated_at)"
    " values ({0}, {0}, '{{}}', {0})",
    "users": "insert into legado_tinkubot.users (id, phone_number, user_type, updated_at)"
    " values ({0}, {0}, 'client', {0})",
}

# Loads the rows into clientes, bare or as a delta, and tells what became of them.
Loader = Callable[[Sequence[Legacy], bool], Outcome]


def outcome(loaded: Sequence[Any], fates: Sequence[Any]) -> Outcome:
    return Outcome(
        frozenset((str(key), telephone) for key, telephone in loaded),
        {
            (source, key): Fate(fate, frozenset(reasons), target)
            for source, key, fate, reasons, target in fates
        },
    )


def zoned(row: Legacy) -> tuple[str, str, str | None]:
    return row.key, row.phone, f"{row.updated}+00" if row.updated else None


@pytest.fixture
def load_postgres(built: Built) -> Loader:
    def load(rows: Sequence[Legacy], bare: bool) -> Outcome:
        for statement in CLEAR:
            built.execute(statement)
        for row in rows:
            built.conn.execute(INSERT[row.source].format("%s"), zoned(row))
        # A client that goes must not be referred to by a consent.
        built.execute("delete from tinkubot.consentimientos")
        if bare:
            built.execute("truncate tinkubot.clientes cascade")
        built.dbt.run("run", "--select", "tinkubot__clientes")
        return outcome(
            built.execute("select id, telefono from tinkubot.clientes"), built.execute(FATES)
        )

    return load


def test_a_row_that_is_out_takes_no_other_with_it(load_postgres: Loader) -> None:
    found = load_postgres(CHAIN, True)

    assert found == greedy(CHAIN)
    assert {key[-1] for key, _ in found.loaded} == {"1", "2"}
    assert list(found.fates) == [("customers", CHAIN[1].key)]


EXAMPLES = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    # A smaller example would take a run of dbt for each try.
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@EXAMPLES
@given(rows=LEGACIES, bare=st.booleans())
def test_collisions_end_as_the_greedy_rule_says(
    load_postgres: Loader, rows: list[Legacy], bare: bool
) -> None:
    assert load_postgres(rows, bare) == greedy(rows)


# DuckDB. ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BuiltFile:
    """A DuckDB file with the sample built in it, and dbt on it."""

    dbt: Project
    path: Path

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements in a connection of their own, and return the last one's rows."""
        with duckdb.connect(str(self.path)) as conn:
            for statement in statements:
                conn.execute(statement)
            return conn.fetchall()

    def fingerprint(self) -> list[tuple[Any, ...]]:
        return self.execute(self.dbt.compiled(FINGERPRINT))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> BuiltFile:
    folder = tmp_path_factory.mktemp("duckdb")
    path = folder / "prueba.duckdb"
    dbt = Project("duckdb", folder, {"TRASPASO_DUCKDB_PATH": str(path)})
    dbt.run("build", "--exclude-resource-type", "test", "unit_test")
    return BuiltFile(dbt, path)


def test_on_duckdb_three_runs_leave_the_fingerprint_as_it_was(file: BuiltFile) -> None:
    first = file.fingerprint()

    file.dbt.run(*TABLES)
    second = file.fingerprint()
    file.dbt.run(*TABLES)

    assert second == first
    assert file.fingerprint() == first


def test_on_duckdb_full_refresh_is_refused(file: BuiltFile) -> None:
    before = file.fingerprint()

    message = file.dbt.refused("run", "--full-refresh", "--select", "tinkubot__proveedores")

    assert "so --full-refresh is refused" in message
    assert file.fingerprint() == before


def test_on_duckdb_sequences_go_on_after_the_last_id(file: BuiltFile) -> None:
    highest = file.execute("select max(id) from tinkubot.profesiones")[0][0]

    insert = "insert into tinkubot.profesiones (nombre) values ('Deshollinador') returning id"
    assert file.execute(insert) == [(highest + 1,)]


def test_on_duckdb_providers_that_exchange_phones_are_loaded(file: BuiltFile) -> None:
    # DuckDB lets no key of a row change that another row refers to.
    one, other = file.execute(
        "delete from tinkubot.proveedor_profesiones",
        "delete from tinkubot.servicios_proveedor",
        "select id, telefono from tinkubot.proveedores order by id limit 2",
    )
    with duckdb.connect(str(file.path)) as conn:
        for (key, _), (_, telephone) in ((one, other), (other, one)):
            conn.execute(
                "update legado_tinkubot.users set phone_number = ? where id = ?", [telephone, key]
            )

    file.dbt.run("run", "--select", "tinkubot__proveedores")

    found = dict(file.execute("select id, telefono from tinkubot.proveedores"))
    assert (found[one[0]], found[other[0]]) == (other[1], one[1])


@settings(EXAMPLES, max_examples=2)
@given(rows=LEGACIES)
def test_on_duckdb_collisions_end_as_the_greedy_rule_says(
    file: BuiltFile, rows: list[Legacy]
) -> None:
    with duckdb.connect(str(file.path)) as conn:
        for statement in CLEAR:
            conn.execute(statement)
        for row in rows:
            conn.execute(INSERT[row.source].format("?"), zoned(row))
        # Nothing may refer to a row that goes: DuckDB has no action on delete.
        conn.execute("delete from tinkubot.solicitudes_servicio")
        conn.execute("delete from tinkubot.consentimientos")

    file.dbt.run("run", "--select", "tinkubot__clientes")

    assert greedy(rows) == outcome(
        file.execute("select id, telefono from tinkubot.clientes"), file.execute(FATES)
    )
