"""Dirty rows of every kind in every table: nothing is lost, and the reasons are right.

What the database says is held against Python, which knows the documents and none of the SQL.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from random import Random
from typing import Any

import phonenumbers
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg import sql

from runner import state
from runner.db import connect
from runner.dbt import Dbt
from runner.plan import Plan, load_plan
from runner.server import PgServer
from runner.tests.functional.helpers.tinkubot_cases import (
    TABLES,
    TARGETS,
    create_empty_legacy,
    insert,
    new_database,
    uid,
)
from runner.validate import prove

Row = dict[str, Any]
Rows = dict[str, list[Row]]

EXAMPLES = 2
DIRT = 0.12

# --- what may stand in a column: what the application writes, and what it has come to hold --------

PHONES = tuple(f"+59399100000{n}" for n in range(10)) + tuple(f"09910000{n}" for n in range(10, 40))
DIRTY_PHONES = (
    None, "", " ", "---", "no tengo", "123", "+593 99 100 0001", "0991000002", "593991000003",
    "(02) 223-4567", "+1 202 555 0123", "+999 1234567", "00593991000004", "0991000005 ",
)  # fmt: skip
# Too long for the legacy's varchar(20).
LONG_PHONES = ("(+593)  99 100 0006       ", "0" * 25, "llamar a la tienda de la esquina")
ZONED = (
    None, "infinity", "-infinity", "294276-12-31 23:59:59.999999+00", "4714-11-24 00:00:00+00 BC",
    "2024-02-29 23:59:59.999999-05", "1900-01-01 00:00:00+00",
)  # fmt: skip
NAIVE = (
    None, "infinity", "-infinity", "294276-12-31 23:59:59.999999", "4714-11-24 00:00:00 BC",
    "2024-02-29 23:59:59.999999",
)  # fmt: skip
NUMBERS = (
    None, "0", "-0", "12.50", "99.999999994", "99.999999995", "-100", "999.999999995",
    "99999999.994", "-99999999.995", "1e20", "1e-30", "NaN", "Infinity", "-Infinity",
    "0.123456789", "9" * 200,
)  # fmt: skip
INTEGERS = (None, 0, 1, 10, 11, 70, 71, -1, 2**31 - 1, -(2**31))
JSON_TEXTS = (
    None, "", " ", "{}", "[]", "null", "true", '"x"', "x", "1.50", '{"a": 1}', '{"a":1,"a":2}',
    "{", r'"\u0000"', r'"\ud800"', "1e400000", '{"_legado": 1}',
    ' {"b": [1, {"c": 2, "c": 3}]} ', '{"_legado": {"user_id": "x"}}', '"{\\"a\\": 1}"',
    "[" * 20_000,
)  # fmt: skip
JSONS = (
    "{}", "null", "[]", '"x"', "1", '["_legado"]', '{"a": {"b": null}}', '{"_legado": null}',
    '{"_legado": {"users": {"email": "a"}}}', '{"_legado": {"_propio": 1, "is_bot": true}}',
    '"{\\"a\\": 1}"', '{"user_id": null}',
)  # fmt: skip
BLANKS = " \t\n\v\f\r"

# Legacy words by map, as the documents have them.
WORDS = {
    "user": ("active", "inactive", "suspended", "pending"),
    "kind": ("provider", "client", "legacy_client"),
    "price": ("fixed", "range", "negotiable", "hourly"),
    "verification": ("pending", "verified", "rejected"),
    "session": ("active", "inactive", "expired", "error"),
    "message": ("text", "image", "audio", "video", "document", "location", "contact"),
    "processing": ("pending", "received", "processing", "completed", "failed"),
    "task": ("send_whatsapp", "reminder", "follow_up", "feedback", "notification"),
    "progress": ("pending", "in_progress", "completed", "failed", "cancelled"),
    "intent": ("service_request", "consulta", "queja", "sugerencia"),
    "response": ("accepted", "declined"),
    "consenter": ("customer",),
}
SPANISH = {
    "user": ("activo", "inactivo", "suspendido", "verificacion_pendiente"),
    "kind": ("proveedor", "cliente", "cliente"),
    "price": ("fijo", "rango", "a_convenir", "hora"),
    "verification": ("pendiente", "verificada", "rechazada"),
    "session": ("activa", "inactiva", "expirada", "error"),
    "message": ("texto", "imagen", "audio", "video", "documento", "ubicacion", "contacto"),
    "processing": ("pendiente", "pendiente", "procesando", "completado", "error"),
    "task": ("enviar_whatsapp", "recordatorio", "seguimiento", "feedback", "notificacion"),
    "progress": ("pendiente", "en_progreso", "completada", "fallida", "cancelada"),
    "intent": ("servicio", "consulta", "queja", "sugerencia"),
    "response": ("aceptado", "rechazado"),
    "consenter": ("cliente",),
}


@dataclass(frozen=True)
class Maker:
    """Draws rows, most of their values clean."""

    rng: Random

    def cell(self, clean: Sequence[object], dirty: Sequence[object]) -> Any:
        return self.rng.choice(dirty if self.rng.random() < DIRT else clean)

    def word(self, name: str, *, size: int = 0, null: bool = True) -> Any:
        words, spanish = WORDS[name], SPANISH[name]
        dirty: list[str | None] = ["desconocido", "", "activ", "x" * 60]
        dirty += [*map(str.upper, words), *(f"  {word}\t" for word in words)]
        dirty += [*spanish, *map(str.title, spanish)]
        dirty += [None] * null
        return self.cell(words, [word for word in dirty if not size or len(word or "") <= size])

    def text(self, size: int, *, null: bool = True) -> Any:
        dirty: list[str | None] = ["", " ", "\u00a0"]
        dirty += ["x" * size, "ñ" * size, "x" * (size + 1), "x" * size + " "]
        return self.cell(("Quito", "Ñandú 👍", "Loja"), [*dirty, *[None] * null])

    def ids(self, first: int, count: int) -> list[str]:
        return [uid(first + n) for n in range(count)]

    def rows(self) -> Rows:
        """Return the rows of all tables. Users 5 to 8 have the ids of customers."""
        users, customers = self.ids(1, 14), self.ids(5, 8)
        user = [*users, *users, uid(99), None]
        phones = self.rng.sample(
            [*PHONES, *(phone for phone in DIRTY_PHONES + LONG_PHONES if phone is not None)], 8
        )
        return {
            "users": [self.user(key) for key in users],
            "customers": [self.customer(*pair) for pair in zip(customers, phones, strict=True)],
            "professions": [self.profession(n + 1) for n in range(8)],
            "provider_professions": [self.link(n, user) for n in range(20)],
            "provider_services": [self.service(key, user) for key in self.ids(200, 12)],
            "service_requests": [self.request(key) for key in self.ids(300, 12)],
            "messages": [self.message(key, user) for key in self.ids(400, 16)],
            "sessions": [
                self.session(n, self.cell([key], [None, uid(500)]), user)
                for n, key in enumerate(self.ids(500, 14))
            ],
            "task_queue": [self.task(key) for key in self.ids(600, 12)],
            "consents": [self.consent(key, [*customers, None]) for key in self.ids(700, 10)],
        }

    def zoned(self, *, null: bool = True) -> Any:
        times = [f"2025-0{month}-01 10:00:00-05" for month in range(1, 10)]
        return self.cell(times, [time for time in ZONED if null or time is not None])

    def naive(self, *, null: bool = True) -> Any:
        times = [f"2025-0{month}-01 10:00:00" for month in range(1, 10)]
        return self.cell(times, [time for time in NAIVE if null or time is not None])

    def user(self, key: str) -> Row:
        return {
            "id": key, "phone_number": self.cell(PHONES, DIRTY_PHONES + LONG_PHONES),
            "name": self.text(255), "user_type": self.word("kind"), "email": self.text(255),
            "business_name": self.text(255), "business_description": self.text(10),
            "address": self.text(10), "city": self.text(100), "country": self.text(100),
            "latitude": self.cell(("-0.18",), NUMBERS), "longitude": self.cell(("-78.4",), NUMBERS),
            "status": self.word("user"), "created_at": self.zoned(), "updated_at": self.zoned(),
        }  # fmt: skip

    def customer(self, key: str, phone: str) -> Row:
        return {
            "id": key, "phone_number": phone, "full_name": self.text(255), "city": self.text(100),
            "city_confirmed_at": self.zoned(), "has_consent": self.cell((True, False), (None,)),
            "notes": self.cell(("{}",), JSONS), "created_at": self.zoned(null=False),
            "updated_at": self.zoned(null=False),
        }  # fmt: skip

    def profession(self, key: int) -> Row:
        names = [f"Oficio {n}" for n in range(8)]
        return {
            "id": key,
            "name": self.rng.choice([self.text(100), *names]),
            "specialty": self.text(255), "category": self.text(100),
            "is_active": self.cell((True, False), (None,)), "created_at": self.zoned(),
            "updated_at": self.zoned(),
        }  # fmt: skip

    def link(self, n: int, user: list[str | None]) -> Row:
        return {
            "provider_id": self.rng.choice(user),
            "profession_id": self.cell(range(1, 9), (None, 99, -1)),
            "specialty": self.text(255), "experience_years": self.cell((0, 5, 70), INTEGERS),
            "certifications": self.cell(("[]", '["SECAP"]'), JSON_TEXTS),
            "is_primary": self.cell((True, False), (None,)),
            "verification_status": self.word("verification"),
            # It tells the rows apart.
            "created_at": f"2025-01-01 00:00:{n:02}+00",
        }  # fmt: skip

    def service(self, key: str, user: list[str | None]) -> Row:
        return {
            "id": key, "provider_id": self.rng.choice(user), "title": self.text(255),
            "description": self.text(10), "category": self.text(100),
            "price": self.cell(("10", "12.5"), NUMBERS), "price_type": self.word("price"),
            "availability": self.cell(("{}",), JSON_TEXTS),
            "is_active": self.cell((True, False), (None,)), "created_at": self.zoned(),
            "updated_at": self.zoned(),
        }  # fmt: skip

    def request(self, key: str) -> Row:
        return {
            "id": key,
            "phone": self.cell(PHONES, [phone for phone in DIRTY_PHONES if phone is not None]),
            "intent": self.word("intent", size=50), "profession": self.cell(("pintor",), (None,)),
            "location_city": self.cell(("Quito",), (None, "ñ" * 100)),
            "location_lat": self.cell(("-0.18",), NUMBERS),
            "location_lng": self.cell(("-78.4",), NUMBERS), "requested_at": self.naive(),
            "resolved_at": self.naive(), "suggested_providers": self.cell(("[]",), (None, *JSONS)),
        }  # fmt: skip

    def message(self, key: str, user: list[str | None]) -> Row:
        return {
            "id": key, "conversation_id": self.cell((uid(1),), (None,)),
            "user_id": self.rng.choice(user), "phone": self.cell(PHONES, DIRTY_PHONES),
            "message_type": self.word("message", size=50), "content": self.text(9, null=False),
            "is_bot": self.cell((True, False), (None,)), "media_url": self.text(500),
            "media_type": self.text(20), "ai_response": self.text(9),
            "processing_status": self.word("processing"),
            "metadata": self.cell(("{}",), (None, *JSONS)), "timestamp": self.naive(),
        }  # fmt: skip

    def session(self, n: int, key: str | None, user: list[str | None]) -> Row:
        return {
            "id": key, "user_id": self.rng.choice(user), "session_id": self.text(255),
            "status": self.word("session"), "qr_code": self.text(9),
            "session_data": self.cell(("{}",), JSON_TEXTS), "expires_at": self.naive(),
            "last_activity": self.naive(),
            # It tells the rows apart.
            "created_at": f"2025-01-01 00:00:{n:02}",
        }  # fmt: skip

    def task(self, key: str) -> Row:
        return {
            "id": key, "task_type": self.word("task", size=50, null=False),
            "payload": self.cell(("{}",), JSONS), "status": self.word("progress", size=20),
            "priority": self.cell((0, 10), INTEGERS), "scheduled_at": self.naive(null=False),
            "started_at": self.naive(), "completed_at": self.naive(),
            "error_message": self.text(9), "retry_count": self.cell((0, 2), INTEGERS),
            "max_retries": self.cell((3,), INTEGERS), "created_at": self.naive(),
        }  # fmt: skip

    def consent(self, key: str, customers: list[str | None]) -> Row:
        return {
            "id": key, "user_id": self.rng.choice(customers),
            "user_type": self.word("consenter", size=20),
            "response": self.word("response", size=20, null=False),
            "message_log": self.cell(("{}",), JSONS), "created_at": self.naive(),
        }  # fmt: skip


# --- what a row's own values make of it, by the documents -----------------------------------------

Reasons = set[str]


def e164(text: str | None) -> str | None:
    """Read a telephone as the library does from Ecuador."""
    try:
        number = phonenumbers.parse(text or "", "EC")
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number(number):
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None


def phone(text: str | None) -> Reasons:
    if e164(text) is not None:
        return set()
    return {"telefono:not_null" if text is None else "telefono:type"}


def length(column: str, text: str | None, size: int, *, required: bool = False) -> Reasons:
    if text is None:
        return {f"{column}:not_null"} if required else set()
    return {f"{column}:length"} if len(text) > size else set()


def spanish(name: str, text: str | None) -> str | None:
    """Return the Spanish word, the word itself where there is none."""
    if text is None:
        return None
    key = text.strip(BLANKS).lower()
    words = dict(zip(WORDS[name], SPANISH[name], strict=True))
    return words.get(key, key if key in SPANISH[name] else text)


def word(column: str, name: str, text: str | None, size: int, *, but: str = "") -> Reasons:
    found = spanish(name, text)
    if found is None:
        return set()
    allowed = {each for each in SPANISH[name] if each != but}
    return length(column, found, size) | (set() if found in allowed else {f"{column}:check"})


def number(column: str, text: str | None, digits: int, scale: int) -> Reasons:
    if text is None:
        return set()
    value = Decimal(text)
    if value.is_finite():
        rounded = value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, Context(prec=500))
        if abs(rounded) < 10 ** (digits - scale):
            return set()
    return {f"{column}:range"}


def within(column: str, value: int | None, low: int, high: int = 2**31) -> Reasons:
    return set() if value is None or low <= value <= high else {f"{column}:check"}


def name_of(column: str, text: str | None) -> Reasons:
    return length(column, text, 255) if (text or "").strip(BLANKS) else set()


def place(row: Row, latitude: str, longitude: str) -> Reasons:
    return number("latitud", row[latitude], 10, 8) | number("longitud", row[longitude], 11, 8)


def is_client(row: Row) -> bool:
    return spanish("kind", row["user_type"]) == "cliente"


def of_user(row: Row, _: Rows) -> Reasons:
    city = length("ciudad", row["city"], 100)
    if is_client(row):
        status = word("estado", "user", row["status"], 20, but="verificacion_pendiente")
        return phone(row["phone_number"]) | name_of("nombre_completo", row["name"]) | city | status
    kind = spanish("kind", row["user_type"])
    reasons = {"user_type:not_null"} if kind is None else set()
    if kind not in {None, "proveedor"}:
        reasons.add("user_type:check")
    return (
        reasons | phone(row["phone_number"]) | name_of("nombre", row["name"]) | city
        | length("email", row["email"], 255)
        | length("nombre_empresa", row["business_name"], 255)
        | length("pais", row["country"], 100) | place(row, "latitude", "longitude")
        | word("estado", "user", row["status"], 30)
    )  # fmt: skip


def of_customer(row: Row, _: Rows) -> Reasons:
    return (
        phone(row["phone_number"]) | name_of("nombre_completo", row["full_name"])
        | length("ciudad", row["city"], 100)
    )  # fmt: skip


def of_profession(row: Row, _: Rows) -> Reasons:
    return (
        length("nombre", row["name"], 100, required=True)
        | length("especialidad", row["specialty"], 255) | length("categoria", row["category"], 100)
    )  # fmt: skip


def of_link(row: Row, _: Rows) -> Reasons:
    return (
        length("especialidad", row["specialty"], 255)
        | within("anos_experiencia", row["experience_years"], 0, 70)
        | word("estado_verificacion", "verification", row["verification_status"], 20)
    )


def of_service(row: Row, _: Rows) -> Reasons:
    return (
        length("titulo", row["title"], 255, required=True)
        | length("categoria", row["category"], 100) | number("precio", row["price"], 10, 2)
        | word("tipo_precio", "price", row["price_type"], 20)
    )  # fmt: skip


def of_request(row: Row, _: Rows) -> Reasons:
    return (
        phone(row["phone"]) | word("tipo_solicitud", "intent", row["intent"], 50)
        | place(row, "location_lat", "location_lng")
    )  # fmt: skip


def phone_of(row: Row, rows: Rows) -> str | None:
    """Return the telephone of a row's user, as it stands in users; None without either."""
    return next(
        (user["phone_number"] for user in rows["users"] if user["id"] == row["user_id"]), None
    )


def of_message(row: Row, rows: Rows) -> Reasons:
    phones = (phone_of(row, rows), row["phone"])
    readable = next((each for each in phones if e164(each)), None)
    written = next((each for each in phones if each is not None), None)
    return (
        phone(readable or written) | word("tipo_mensaje", "message", row["message_type"], 50)
        | length("url_media", row["media_url"], 500) | length("tipo_media", row["media_type"], 20)
        | word("estado_procesamiento", "processing", row["processing_status"], 20)
    )  # fmt: skip


def of_session(row: Row, rows: Rows) -> Reasons:
    return (
        (set() if row["id"] else {"id:not_null"}) | phone(phone_of(row, rows))
        | length("id_sesion", row["session_id"], 255, required=True)
        | word("estado", "session", row["status"], 20)
    )  # fmt: skip


def of_task(row: Row, _: Rows) -> Reasons:
    return (
        word("tipo_tarea", "task", row["task_type"], 50)
        | word("estado", "progress", row["status"], 22)
        | within("prioridad", row["priority"], 0, 10) | within("intentos", row["retry_count"], 0)
        | within("max_intentos", row["max_retries"], 1)
    )  # fmt: skip


def of_consent(row: Row, _: Rows) -> Reasons:
    return (
        word("tipo_usuario", "consenter", row["user_type"], 20)
        | word("respuesta", "response", row["response"], 20)
    )  # fmt: skip


REASONS: Mapping[str, Callable[[Row, Rows], Reasons]] = {
    "users": of_user, "customers": of_customer, "professions": of_profession,
    "provider_professions": of_link, "provider_services": of_service,
    "service_requests": of_request, "messages": of_message, "sessions": of_session,
    "task_queue": of_task, "consents": of_consent,
}  # fmt: skip


# --- the database ---------------------------------------------------------------------------------


class Place:
    """A database in which everything is created, and dbt on it.

    No dataclass: a falsified example is told with its fields.
    """

    def __init__(self, dbt: Dbt, conn: psycopg.Connection, plan: Plan) -> None:
        self.dbt, self.conn, self.plan = dbt, conn, plan

    def fill(self, rows: Rows) -> None:
        names = sql.SQL(", ").join(sql.Identifier("public", table) for table in TABLES)
        self.conn.execute(sql.SQL("truncate {}").format(names))
        with self.conn.transaction():
            for table in TABLES:
                insert(self.conn, table, rows[table])

    def empty(self) -> None:
        names = [sql.Identifier("public", table) for table in TARGETS]
        names += [sql.Identifier("traspaso", table) for table in ("row_fates", "repairs")]
        self.conn.execute(sql.SQL("truncate {} restart identity").format(sql.SQL(", ").join(names)))

    def load(self) -> None:
        run_id = state.start_run(self.conn, self.plan.system, "test")
        for number in (2, 3):
            phase = self.plan.phase(number)
            self.dbt.load(phase.selector or "", self.plan.system, run_id=run_id, phase=number)

    def fates(self) -> list[tuple[str, str, list[str], Row]]:
        query = "select source_table, fate, reasons, row from traspaso.row_fates"
        return self.conn.execute(query).fetchall()

    def count(self, schema: str, table: str) -> int:
        query = sql.SQL("select count(*) from {}").format(sql.Identifier(schema, table))
        found = self.conn.execute(query).fetchone()
        assert found is not None
        return int(found[0])

    def stored(self) -> list[tuple[Any, ...]]:
        """Return every row of target and evidence, where it is and since when."""
        tables = [("public", table) for table in TARGETS]
        tables += [("traspaso", "row_fates"), ("traspaso", "repairs")]
        query = sql.SQL("select ctid::text, xmin::text, t::text from {} as t order by ctid")
        return [
            (name, *row)
            for schema, name in tables
            for row in self.conn.execute(query.format(sql.Identifier(schema, name)))
        ]

    def contents(self) -> dict[str, Counter[str]]:
        """Return the rows of target and evidence, without what no two loads have in common."""
        drawn = {"proveedor_profesiones": ["id"]}
        both = ["run_id", "recorded_at", "target_key"]
        tables = [("public", table, drawn.get(table, [])) for table in TARGETS]
        tables += [("traspaso", "row_fates", both), ("traspaso", "repairs", both)]
        query = sql.SQL("select (to_jsonb(t) - %s::text[])::text from {} as t")
        return {
            name: Counter(
                row[0]
                for row in self.conn.execute(query.format(sql.Identifier(schema, name)), [left])
            )
            for schema, name, left in tables
        }


@pytest.fixture(scope="module")
def database(pg: PgServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    plan = load_plan("tinkubot")
    with new_database(pg, "suciedad", tmp_path_factory.mktemp("suciedad")) as chosen:
        url = chosen.require_target()
        with psycopg.connect(url, autocommit=True) as conn:
            create_empty_legacy(conn)
        with connect(url, autocommit=True) as conn, Dbt(chosen, plan) as dbt:
            state.install(conn)
            dbt.install()
            run_id = state.start_run(conn, plan.system, "test")
            dbt.create(plan.system, run_id=run_id, phase=1, exclude=[])
            dbt.prepare(plan.system)
            yield Place(dbt, conn, plan)


MARKS = {"provider_professions": "created_at", "sessions": "created_at"}


def marked(table: str, row: Row) -> str:
    """Return what tells the rows of a legacy table apart."""
    if table in MARKS:
        return str(row[MARKS[table]])[:19].replace("T", " ")
    return str(row["id"])


def require_proof(place: Place) -> None:
    proof = prove(place.conn, place.plan, place.plan.tables)
    assert proof.holds, (proof.differences, proof.balances, proof.orphans)


def require_one_place_each(place: Place, rows: Rows) -> None:
    fates = place.fates()
    for table in TABLES:
        gone = [marked(table, row) for source, _, _, row in fates if source == table]
        assert len(gone) == len(set(gone)), f"{table}: a row with two fates"
        assert place.count("compat_tinkubot", table) + len(gone) == len(rows[table]), table
        if table not in MARKS:
            query = sql.SQL("select id from {}").format(sql.Identifier("compat_tinkubot", table))
            shown = [str(row[0]) for row in place.conn.execute(query)]
            assert sorted(shown + gone) == sorted(str(row["id"]) for row in rows[table]), table


def require_reasons(place: Place, rows: Rows) -> None:
    found = {
        (table, marked(table, row)): (fate, reasons) for table, fate, reasons, row in place.fates()
    }
    wrong = []
    for table, its_rows in rows.items():
        for row in its_rows:
            expected = REASONS[table](row, rows)
            fate, reasons = found.get((table, marked(table, row)), ("loaded", []))
            own = {each for each in reasons if not each.endswith((":unique", ":foreign_key"))}
            absorbed = table == "users" and is_client(row) and fate == "merged"
            if own != (set() if absorbed else expected) or (own and fate != "quarantined"):
                wrong.append((table, row, fate, sorted(reasons), sorted(expected)))
    assert not wrong, json.dumps(wrong, ensure_ascii=False, indent=1, default=str)


def empty_rows() -> Rows:
    return {table: [] for table in TABLES}


@pytest.mark.newest
def test_a_client_who_gives_way_to_another_takes_its_consents_along(database: Place) -> None:
    early, late = "2025-01-01 00:00:00+00", "2025-02-01 00:00:00+00"
    rows = empty_rows() | {
        "customers": [
            {"id": uid(1), "phone_number": "0991000001", "updated_at": late},
            {"id": uid(2), "phone_number": "+593991000001", "updated_at": early},
        ],
        "consents": [
            {"id": uid(3), "user_id": uid(1), "response": "accepted", "message_log": "{}"}
        ],
    }
    question = "select usuario_id::text from public.consentimientos"
    database.fill(rows)
    database.empty()
    try:
        database.load()
        assert database.conn.execute(question).fetchall() == [(uid(1),)]
        # Its trigger makes it the one that was updated last.
        database.conn.execute("update public.customers set city = 'Loja' where id = %s", [uid(2)])
        database.load()
        assert database.conn.execute(question).fetchall() == [(uid(2),)]
        require_proof(database)
    finally:
        database.empty()


@pytest.mark.newest
def test_json_that_is_nested_too_deep_is_kept_as_text(database: Place) -> None:
    text = "[" * 20_000 + "]" * 20_000
    service = {"id": uid(1), "provider_id": None, "title": "Pintar", "availability": text}
    database.fill(empty_rows() | {"provider_services": [service]})
    database.empty()
    database.load()
    question = "select disponibilidad #>> '{}' from public.servicios_proveedor"
    assert database.conn.execute(question).fetchall() == [(text,)]
    require_proof(database)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    # One example takes seconds: it is told as it is.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32))
def test_no_dirt_is_lost_and_each_reason_is_right(database: Place, seed: int) -> None:
    rows = Maker(Random(seed)).rows()  # noqa: S311  # the same rows every time
    database.fill(rows)
    database.load()
    require_proof(database)
    require_one_place_each(database, rows)
    require_reasons(database, rows)

    delta = database.contents()
    stored = database.stored()
    database.load()
    assert database.stored() == stored, "a second load changed something"

    database.empty()
    database.load()
    assert database.contents() == delta, "a load from nothing is not what the delta was"
