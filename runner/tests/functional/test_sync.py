"""A sync leaves what a whole load would leave, whatever was written."""

import random
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from runner.db import connect, table_checksum
from runner.sample import create_legacy
from runner.server import PgServer
from runner.settings import Settings
from runner.tests.functional.helpers.tinkubot_cases import (
    RUN,
    TABLES,
    TARGETS,
    new_database,
    traspaso,
)

RETRY = ("fates", "tinkubot", "retry", "--yes")
SYNC = ("sync", "tinkubot")
# Of which the values decide most: who a row is, whose it is, which other it meets.
DECISIVE = {
    "users": ("phone_number", "user_type", "status", "name", "updated_at", "email"),
    "customers": ("phone_number", "full_name", "updated_at", "notes"),
    "professions": ("name", "updated_at"),
    "provider_professions": ("provider_id", "profession_id", "created_at", "specialty"),
    "provider_services": ("provider_id", "title"),
    "service_requests": ("phone", "resolved_at", "intent"),
    "messages": ("user_id", "phone", "content", "message_type", "metadata"),
    "sessions": ("user_id", "session_id", "status", "last_activity", "session_data"),
    "task_queue": ("status",),
    "consents": ("user_id", "response"),
}


def columns(conn: psycopg.Connection, table: str) -> list[str]:
    return [
        row[0]
        for row in conn.execute(
            "select attname from pg_attribute where attrelid = ('public.' || %s)::regclass"
            " and attnum > 0 and not attisdropped order by attnum",
            [table],
        )
    ]


class Application:
    """Writes to the legacy as an application with bugs would."""

    def __init__(self, conn: psycopg.Connection, seed: int) -> None:
        self.conn = conn
        self.random = random.Random(seed)  # noqa: S311  # which writes
        self.columns = {table: columns(conn, table) for table in TABLES}
        self.did: list[str] = []

    def write(self, times: int) -> None:
        for _ in range(times):
            table = self.random.choice(list(TABLES))
            do = self.random.choice([self.insert, self.update, self.update, self.delete])
            # A mistake of its own is the application's: the next write goes on.
            try:
                do(table)
            except psycopg.IntegrityError:
                continue

    def insert(self, table: str) -> None:
        """Bring rows that were never here: those of another legacy."""
        self.did.append(f"insert {table}")
        self.conn.execute(
            sql.SQL(
                "insert into {} select * from {} order by hashtext({} || t::text)"
                " limit {} on conflict do nothing"
            ).format(
                sql.Identifier("public", table),
                sql.SQL("{} as t").format(sql.Identifier("otro", table)),
                sql.Literal(str(self.random.random())),
                sql.Literal(self.random.randint(1, 4)),
            )
        )

    def update(self, table: str) -> None:
        """Give some rows a value that another row has."""
        column = self.random.choice(
            [c for c in DECISIVE[table] if c in self.columns[table]] or self.columns[table]
        )
        self.did.append(f"update {table}.{column}")
        self.conn.execute(
            sql.SQL(
                "update {table} set {column} = (select {column} from {table} as t"
                " order by hashtext({other} || t::text) limit 1) where ctid in"
                " (select ctid from {table} as t order by hashtext({some} || t::text) limit {n})"
            ).format(
                table=sql.Identifier("public", table),
                column=sql.Identifier(column),
                other=sql.Literal(str(self.random.random())),
                some=sql.Literal(str(self.random.random())),
                n=sql.Literal(self.random.randint(1, 3)),
            )
        )

    def delete(self, table: str) -> None:
        self.did.append(f"delete {table}")
        self.conn.execute(
            sql.SQL(
                "delete from {table} where ctid in (select ctid from {table} as t"
                " order by hashtext({some} || t::text) limit {n})"
            ).format(
                table=sql.Identifier("public", table),
                some=sql.Literal(str(self.random.random())),
                n=sql.Literal(self.random.randint(1, 3)),
            )
        )


def state(settings: Settings) -> dict[str, object]:
    """Return all that a load makes, without numbers drawn, runs and times."""
    with connect(settings.require_target(), autocommit=True) as conn:
        found: dict[str, object] = {
            table: table_checksum(conn, "public", table).checksum
            for table in TARGETS
            if table != "proveedor_profesiones"
        }
        for name, query in {
            "proveedor_profesiones": "select to_jsonb(p) - 'id'"
            " from public.proveedor_profesiones p",
            "row_fates": "select to_jsonb(f) - 'run_id' - 'recorded_at'"
            " - case when target_table = 'proveedor_profesiones' then 'target_key' else '' end"
            " from traspaso.row_fates f",
            "repairs": "select to_jsonb(r) - 'run_id' - 'recorded_at' from traspaso.repairs r",
        }.items():
            found[name] = sorted(str(row[0]) for row in conn.execute(query.encode()))
    return found


def differing(one: dict[str, object], other: dict[str, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in one.items():
        if value == other[name]:
            continue
        if isinstance(value, list) and isinstance(other[name], list):
            here, there = set(value), set(other[name])  # type: ignore[call-overload]
            found[name] = ([*(here - there)][:3], [*(there - here)][:3])
        else:
            found[name] = "differs"
    return found


@pytest.fixture(scope="module")
def migrated(pg: PgServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with new_database(pg, f"sync_{pg.major}", tmp_path_factory.mktemp("backups")) as settings:
        with psycopg.connect(settings.require_target(), autocommit=True) as conn:
            create_legacy(conn, dirt=0.2)
            create_legacy(conn, schema="otro", dirt=0.3, seed=99)
        assert traspaso(settings, *RUN).code == 0
        yield settings


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.newest) for seed in range(1, 4))]
)
def test_a_sync_leaves_what_a_whole_load_leaves(migrated: Settings, seed: int) -> None:
    with psycopg.connect(migrated.require_target(), autocommit=True) as conn:
        application = Application(conn, seed)
        application.write(3 if seed < 2 else 40)
    synced = traspaso(migrated, *SYNC)
    assert synced.code == 0, synced.stdout
    proof = traspaso(migrated, "validate", "tinkubot").json
    assert (proof["status"], proof["pending"]) == ("pass", 0), (
        proof,
        application.did,
    )
    after_sync = state(migrated)
    assert traspaso(migrated, *RETRY).code == 0
    assert differing(after_sync, state(migrated)) == {}, application.did


def test_before_anything_is_loaded_there_is_nothing_to_sync(
    settings: Settings, conn: psycopg.Connection
) -> None:
    create_legacy(conn)
    answer = traspaso(settings, *SYNC)
    assert answer.code == 3
    assert "--through 2" in answer.json["error"]["fix"]


@pytest.mark.newest
def test_a_sync_says_what_it_did_by_legacy_table_and_can_be_rolled_back(
    settings: Settings, conn: psycopg.Connection
) -> None:
    create_legacy(conn)
    before = table_checksum(conn, "public", "users")
    assert traspaso(settings, *RUN).code == 0
    conn.execute("update public.messages set content = 'otra cosa' where ctid = '(0,1)'")
    conn.execute("delete from public.consents")
    conn.execute("truncate public.task_queue")
    pending = traspaso(settings, "validate", "tinkubot").json["pending"]
    assert pending == 1
    answer = traspaso(settings, *SYNC)
    assert answer.code == 0, answer.stdout
    touched = {entry.pop("source_table"): entry for entry in answer.json["tables"]}
    assert touched["messages"] == {"inserted": 0, "updated": 1, "deleted": 0}
    assert touched["consents"]["deleted"] > 0
    assert touched["users"] == {"inserted": 0, "updated": 0, "deleted": 0}
    assert conn.execute("select count(*) from public.tareas_programadas").fetchone() == (0,)
    assert traspaso(settings, *SYNC).json["tables"][6]["updated"] == 0
    for phase in ("2", "0"):
        back = traspaso(settings, "rollback", "tinkubot", "--to", phase, "--yes")
        assert back.code == 0, back.stdout
    assert table_checksum(conn, "public", "users") == before


@pytest.mark.newest
def test_a_loaded_row_that_was_changed_by_hand_is_found_on_the_way_back_from_a_sync(
    settings: Settings, conn: psycopg.Connection
) -> None:
    create_legacy(conn)
    assert traspaso(settings, *RUN).code == 0
    conn.execute("update public.users set city = 'Loja' where user_type = 'provider'")
    assert traspaso(settings, *SYNC).code == 0
    conn.execute("update public.proveedores set nombre = 'otro' || nombre")
    back = traspaso(settings, "rollback", "tinkubot", "--to", "2", "--yes")
    assert back.code == 1
    assert "users: residue 0, mismatches" in back.json["error"]["message"]


@pytest.mark.newest
def test_a_table_that_is_put_back_from_a_backup_is_brought_by_a_sync(
    settings: Settings, conn: psycopg.Connection
) -> None:
    create_legacy(conn)
    assert traspaso(settings, *RUN).code == 0
    before = table_checksum(conn, "public", "mensajes")
    conn.execute("delete from public.messages where ctid < '(3,1)'")
    assert traspaso(settings, *SYNC).code == 0
    assert table_checksum(conn, "public", "mensajes") != before
    made = traspaso(settings, "backup", "tinkubot", "list").json["backups"][0]["id"]
    restore = ("backup", "tinkubot", "restore", made, "--table", "messages", "--yes")
    assert traspaso(settings, *restore).code == 0
    assert traspaso(settings, *SYNC).code == 0
    assert traspaso(settings, "validate", "tinkubot").json["status"] == "pass"
    assert table_checksum(conn, "public", "mensajes") == before
    # A backup of what is loaded holds the capture's triggers, whose functions are not in it.
    later = traspaso(settings, "backup", "tinkubot", "create").json["backups"][0]["id"]
    assert traspaso(settings, "backup", "tinkubot", "verify", later).code == 0
