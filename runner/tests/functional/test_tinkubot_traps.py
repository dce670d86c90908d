"""The traps that TinkuBot's documents hold, each by its number, on one database of each server.

Every trap has rows of its own, with ids from its number: trap 3 has 300, 301, …
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import psycopg
import pytest

from runner.server import PgServer
from runner.tests.functional.helpers.tinkubot_cases import (
    RUN,
    TABLES,
    TARGETS,
    Answer,
    Migrated,
    Row,
    asking,
    create_empty_legacy,
    insert,
    new_database,
    traspaso,
    uid,
)

UNTIL = "2025-03-09T12:00:00+00:00"
EARLY, LATE = "2025-01-01T00:00:00+00:00", "2025-02-01T00:00:00+00:00"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
# The provider and the trade that the rows of other traps refer to.
PROVIDER, TRADE = uid(1), 1


def mobile(n: int) -> str:
    """Return the nth mobile number, in E.164."""
    return f"+5939{n:08d}"


def user(n: int, **columns: object) -> Row:
    return {
        "id": uid(n), "phone_number": mobile(n), "name": f"Usuario {n}", "user_type": "provider",
        "status": "active", "created_at": EARLY, "updated_at": EARLY,
    } | columns  # fmt: skip


def customer(n: int, **columns: object) -> Row:
    return {
        "id": uid(n), "phone_number": mobile(n), "full_name": f"Cliente {n}",
        "created_at": EARLY, "updated_at": EARLY,
    } | columns  # fmt: skip


def link(provider: str | None, trade: int | None, **columns: object) -> Row:
    return {"provider_id": provider, "profession_id": trade, "created_at": EARLY} | columns


def service(n: int, **columns: object) -> Row:
    return {"id": uid(n), "provider_id": PROVIDER, "title": f"Servicio {n}"} | columns


def request(n: int, **columns: object) -> Row:
    return {"id": uid(n), "phone": mobile(n)} | columns


def message(n: int, **columns: object) -> Row:
    return {"id": uid(n), "phone": mobile(n), "content": f"Mensaje {n}"} | columns


def session(n: int, **columns: object) -> Row:
    return {"id": uid(n), "user_id": PROVIDER, "session_id": f"wa-{n}"} | columns


def task(n: int, **columns: object) -> Row:
    return {
        "id": uid(n), "task_type": "send_whatsapp", "payload": "{}", "scheduled_at": EARLY,
    } | columns  # fmt: skip


def consent(n: int, **columns: object) -> Row:
    return {"id": uid(n), "user_id": uid(2900), "response": "accepted", "message_log": "{}"} | (
        columns
    )


USER_STATUSES = {
    "active": "activo", "inactive": "inactivo", "suspended": "suspendido",
    "pending": "verificacion_pendiente",
}  # fmt: skip
PRICE_TYPES = {"fixed": "fijo", "range": "rango", "negotiable": "a_convenir", "hourly": "hora"}
TASK_TYPES = {
    "send_whatsapp": "enviar_whatsapp", "reminder": "recordatorio", "follow_up": "seguimiento",
    "feedback": "feedback", "notification": "notificacion",
}  # fmt: skip
TASK_STATUSES = {
    "pending": "pendiente", "in_progress": "en_progreso", "completed": "completada",
    "failed": "fallida", "cancelled": "cancelada",
}  # fmt: skip
SESSION_STATUSES = {
    "active": "activa", "inactive": "inactiva", "expired": "expirada", "error": "error",
}  # fmt: skip
MESSAGE_TYPES = {
    "text": "texto", "image": "imagen", "audio": "audio", "video": "video",
    "document": "documento", "location": "ubicacion", "contact": "contacto",
}  # fmt: skip
MESSAGE_STATUSES = {
    "received": "pendiente", "pending": "pendiente", "processing": "procesando",
    "completed": "completado", "failed": "error",
}  # fmt: skip
VERIFICATIONS = {"pending": "pendiente", "verified": "verificada", "rejected": "rechazada"}

LEGACY: dict[str, list[Row]] = {
    "users": [
        user(1),
        user(2, name="Otro proveedor"),
        user(200, status="pending"),
        *(user(300 + n, status=status) for n, status in enumerate(USER_STATUSES)),
        user(310, status=" ACTIVE\n"), user(311, status="Activo"), user(312, status="deleted"),
        user(1000),
        *(user(1600 + n) for n in range(3)),
        user(1700, user_type="client", email="solo@users.example", status="suspended"),
        user(1701, user_type="client", phone_number="0900001750"),
        user(1702, user_type="legacy_client", phone_number=" 0900001702 "),
        user(1703, user_type=" Provider "), user(1704, user_type="admin"),
        user(1705, user_type=None),
        user(1900, phone_number="0900001900", updated_at=EARLY),
        user(1901, phone_number="+593900001900", updated_at=LATE),
        user(1902, phone_number=None), user(1903, phone_number="no tiene"),
        user(2000, name=None), user(2001, name="  "), user(2002, user_type="client", name=None),
        user(2100),
        user(2400, user_type="client"),
        user(2700, latitude="100"), user(2701, longitude="-1000"), user(2702, latitude="NaN"),
        user(2703, latitude="-0.123456789"), user(2704, latitude="-0.12345678"),
        user(3100, created_at="2025-03-09 07:00:00-05"),
        user(3200, city="Quito"), user(3201), user(3202),
        user(3400, user_type="client"), user(3401, phone_number=mobile(3499)), user(3402),
    ],
    "customers": [
        customer(1300, phone_number="099 000 1300"),
        customer(1750, updated_at=EARLY),
        customer(1800, phone_number="0900001800", updated_at=LATE),
        customer(1801, phone_number="+593 9 0000 1800", updated_at=EARLY),
        customer(1802, phone_number="(+593)  9 0000 1802    "),
        customer(1803, phone_number="llamar a la tienda"),
        customer(2003, full_name=None), customer(2004, full_name="\t"),
        customer(2900, has_consent=True, notes='{"canal": "whatsapp"}'),
        customer(2901, has_consent=None), customer(2902, has_consent=False, notes='["vip"]'),
        customer(2903, phone_number="0900002900", updated_at="2024-01-01"),
        customer(3100, city_confirmed_at="2025-03-09 07:00:00-05"),
        customer(3300),
        customer(3400, updated_at=LATE), customer(3401), customer(3402),
    ],
    "professions": [
        {"id": TRADE, "name": "Plomero"},
        {"id": 2, "name": "Pintor"},
        {"id": 1600, "name": "Gasfitero", "updated_at": EARLY},
        {"id": 1601, "name": "Gasfitero", "updated_at": LATE},
        {"id": 1602, "name": "gasfitero"}, {"id": 1603, "name": None},
        {"id": 1604, "name": "x" * 101},
        {"id": 1605, "name": "y" * 100},
    ],
    "provider_professions": [
        link(PROVIDER, TRADE, specialty="primero", created_at=EARLY),
        link(PROVIDER, TRADE, specialty="último", created_at=LATE),
        link(uid(300), TRADE, verification_status="pending"),
        link(uid(301), TRADE, verification_status="verified"),
        link(uid(302), TRADE, verification_status="rejected"),
        link(uid(303), TRADE, verification_status="VERIFICADA "),
        link(uid(310), TRADE, verification_status="maybe"),
        link(uid(311), TRADE, verification_status=None),
        link(uid(1600), 1600), link(uid(1601), 1603),
        link(uid(1900), TRADE),
        link(uid(2100), TRADE, certifications=""),
        link(uid(2100), 2, certifications="SECAP 2019"),
        link(uid(2000), TRADE, certifications=None),
        link(uid(2000), 2, certifications='{"a": 1, "a": 2}'),
        link(uid(2001), TRADE, certifications='["SECAP"]'),
        link(uid(2), TRADE, experience_years=71), link(uid(2), 2, experience_years=-1),
        link(uid(200), TRADE, experience_years=0), link(uid(200), 2, experience_years=70),
        link(uid(1000), TRADE, experience_years=None),
        link(uid(9999), TRADE), link(uid(2400), TRADE), link(uid(1000), 9999),
    ],
    "provider_services": [
        *(service(700 + n, price_type=price_type) for n, price_type in enumerate(PRICE_TYPES)),
        service(710, price_type="Fixed"), service(711, price_type="gratis"),
        service(1900, provider_id=uid(1900)),
        service(2200, availability="siempre"), service(2201, availability=r'"\u0000"'),
        service(2202, availability='{"lunes": true}'),
        service(2400, provider_id=uid(9999)), service(2401, provider_id=None),
        service(2402, provider_id=uid(2400)),
        service(2700, price="100000000"), service(2701, price="NaN"),
        service(2702, price="99999999.994"), service(2703, price="99999999.995"),
        service(2704, price="12.50"), service(2705, price="-Infinity"),
    ],
    "service_requests": [
        request(900, phone="0900000900"), request(901, phone="sin"),
        request(1200, phone="0900001200"),
        request(1300, phone="(099) 000-1300"), request(1301),
        request(1400, resolved_at=UNTIL), request(1401),
        request(1402, intent="queja"), request(1403, intent=None), request(1404, intent="spam"),
        request(2700, location_lat="100"), request(2701, location_lng="NaN"),
    ],
    "messages": [
        *(message(600 + n, message_type=kind) for n, kind in enumerate(MESSAGE_TYPES)),
        *(message(620 + n, processing_status=status)
          for n, status in enumerate(MESSAGE_STATUSES)),
        message(640), message(641, message_type="sticker"),
        message(642, processing_status="lost"),
        message(1000, user_id=uid(9999), phone="0900001010"),
        message(1001, user_id=None, phone="0900001011"),
        message(1002, user_id=uid(9999), phone=None),
        message(1003, user_id=uid(1000), phone=None),
        message(1004, user_id=None, phone="sin número"),
        message(2500, media_type=DOCX), message(2501, media_url="u" * 501),
        message(2502, media_type="t" * 20, media_url="u" * 500),
        message(3000, is_bot=True), message(3001, is_bot=False, metadata='{"a": 1}'),
        message(3002, is_bot=True, metadata="[1]"),
        message(3100, timestamp="2025-03-09 12:00:00"),
    ],
    "sessions": [
        *(session(500 + n, status=status) for n, status in enumerate(SESSION_STATUSES)),
        session(510, status=" Activa"), session(511, status="zombie"),
        session(1100, user_id=uid(9999)), session(1101, user_id=None), session(1102),
        session(2200, session_data="{"), session(2201, session_data='{"paso": 1}'),
        session(3200, qr_code="antes"), session(3201), session(3600, qr_code="original"),
        session(3700, id=None), session(3701, session_id=None),
        session(3702, last_activity="2025-01-01", qr_code="vieja"),
        session(3702, last_activity="2025-02-01", qr_code="nueva"),
    ],
    "task_queue": [
        *(task(400 + n, task_type=kind) for n, kind in enumerate(TASK_TYPES)),
        *(task(420 + n, status=status) for n, status in enumerate(TASK_STATUSES)),
        task(440, task_type="spam"), task(441, status="lost"), task(442, status=None),
        task(2600, priority=11), task(2601, priority=-1), task(2602, retry_count=-1),
        task(2603, max_retries=0), task(2604, priority=-1, retry_count=-1, max_retries=0),
        task(2605, priority=10, retry_count=0, max_retries=1),
    ],
    "consents": [
        consent(2910), consent(2911, response="declined"), consent(2912, response="perhaps"),
        consent(2913, user_id=uid(2903)), consent(2914, user_id=uid(1803)),
        consent(3500, message_log='"{\\"message_id\\": \\"m1\\"}"'),
        consent(3501, message_log='{"message_id": "m2"}'), consent(3502, message_log='"texto"'),
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Trapped(Migrated):
    """The migrated traps, and what the command answered."""

    ran: Answer


@pytest.fixture(scope="module")
def traps(pg: PgServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trapped]:
    folder = tmp_path_factory.mktemp("trampas")
    with new_database(pg, "trampas", folder) as settings:
        with psycopg.connect(settings.require_target(), autocommit=True) as conn:
            create_empty_legacy(conn)
            for table, rows in LEGACY.items():
                insert(conn, table, rows)
        ran = traspaso(settings, *RUN)
        assert ran.code == 0, ran.stdout
        with asking(settings) as asked:
            yield Trapped(settings, asked.conn, ran)


# What was changed in the legacy between the two runs, for T32.
CHANGES = (
    "update public.users set city = 'Loja' where id = %(3200)s",
    "delete from public.users where id = %(3201)s",
    "update public.sessions set qr_code = 'después' where id = %(3200)s",
    "delete from public.sessions where id = %(3201)s",
)


@dataclass(frozen=True)
class Again:
    """What a second run met and left: the Spanish rows before and after, by table."""

    before: dict[str, dict[str, str]]
    after: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def again(traps: Trapped) -> Again:
    # What only the Spanish side knows must outlive the run.
    traps.conn.execute("update public.proveedores set rating = 4.5 where id = %s", [uid(2100)])
    for change in CHANGES:
        traps.conn.execute(change, {"3200": uid(3200), "3201": uid(3201)})
    before = versions(traps)
    ran = traspaso(traps.settings, *RUN)
    assert ran.code == 0, ran.stdout
    return Again(before, versions(traps))


def versions(migrated: Migrated) -> dict[str, dict[str, str]]:
    """Return by table where each row is stored and since which transaction, by id."""
    return {
        table: {
            row["id"]: row["version"]
            for row in migrated.rows(
                f"select id::text, ctid || ' ' || xmin as version from public.{table}"  # noqa: S608
            )
        }
        for table in TARGETS
    }


def estados(traps: Migrated, table: str, column: str, first: int, count: int) -> list[str]:
    return [traps.value(table, uid(first + n), column) for n in range(count)]


def links(traps: Migrated, provider: str, trade: int) -> list[dict[str, object]]:
    return traps.rows(
        "select * from public.proveedor_profesiones where proveedor_id = %s and profesion_id = %s",
        provider, trade,
    )  # fmt: skip


def columns_of(traps: Migrated, constraint: str) -> list[str]:
    (found,) = traps.rows(
        "select array_agg(attname::text order by attname) as names from pg_constraint"
        " join pg_attribute on attrelid = conrelid and attnum = any(conkey) where conname = %s",
        constraint,
    )
    return list(found["names"] or [])


def test_t01_a_repeated_pair_is_one_row_and_the_pair_is_unique(traps: Trapped) -> None:
    (row,) = links(traps, PROVIDER, TRADE)
    assert row["especialidad"] == "último"
    assert traps.merged_into("provider_professions", f"{PROVIDER},{TRADE}#2") == (
        ["proveedor_id,profesion_id:unique"], str(row["id"])
    )  # fmt: skip
    assert columns_of(traps, "proveedor_profesiones_proveedor_id_profesion_id_key") == [
        "profesion_id", "proveedor_id",
    ]  # fmt: skip


def test_t02_a_status_of_22_characters_fits(traps: Trapped) -> None:
    assert traps.value("proveedores", uid(200), "estado") == "verificacion_pendiente"


def test_t03_a_users_status_becomes_spanish_and_one_unknown_stops_nobody(traps: Trapped) -> None:
    assert estados(traps, "proveedores", "estado", 300, 4) == [*USER_STATUSES.values()]
    assert estados(traps, "proveedores", "estado", 310, 2) == ["activo", "activo"]
    assert traps.repair("users", uid(310), "status") == ("value_map", " ACTIVE\n", "activo")
    assert traps.repair("users", uid(311), "status") == ("value_map", "Activo", "activo")
    assert traps.repairs_of("users", uid(300)) == set()
    assert traps.quarantined("users", uid(312)) == ["estado:check"]
    assert traps.row("proveedores", uid(312)) is None


def test_t04_a_tasks_type_and_status_become_spanish(traps: Trapped) -> None:
    tasks = "tareas_programadas"
    assert estados(traps, tasks, "tipo_tarea", 400, 5) == [*TASK_TYPES.values()]
    assert estados(traps, tasks, "estado", 420, 5) == [*TASK_STATUSES.values()]
    assert traps.value(tasks, uid(442), "estado") is None
    assert traps.quarantined("task_queue", uid(440)) == ["tipo_tarea:check"]
    assert traps.quarantined("task_queue", uid(441)) == ["estado:check"]


def test_t05_a_sessions_status_becomes_spanish(traps: Trapped) -> None:
    assert estados(traps, "sesiones", "estado", 500, 4) == [*SESSION_STATUSES.values()]
    assert traps.value("sesiones", uid(510), "estado") == "activa"
    assert traps.quarantined("sessions", uid(511)) == ["estado:check"]


def test_t06_a_messages_type_and_status_become_spanish(traps: Trapped) -> None:
    assert estados(traps, "mensajes", "tipo_mensaje", 600, 7) == [*MESSAGE_TYPES.values()]
    statuses = estados(traps, "mensajes", "estado_procesamiento", 620, 5)
    assert statuses == [*MESSAGE_STATUSES.values()]
    # The documented defaults, listed.
    assert traps.value("mensajes", uid(640), "tipo_mensaje") == "texto"
    assert traps.value("mensajes", uid(640), "estado_procesamiento") == "completado"
    assert traps.repairs_of("messages", uid(640)) == {"message_type", "processing_status"}
    assert traps.quarantined("messages", uid(641)) == ["tipo_mensaje:check"]
    assert traps.quarantined("messages", uid(642)) == ["estado_procesamiento:check"]


def test_t07_a_price_type_becomes_spanish(traps: Trapped) -> None:
    services = "servicios_proveedor"
    assert estados(traps, services, "tipo_precio", 700, 4) == [*PRICE_TYPES.values()]
    assert traps.value(services, uid(710), "tipo_precio") == "fijo"
    assert traps.quarantined("provider_services", uid(711)) == ["tipo_precio:check"]


def test_t08_a_verification_becomes_spanish(traps: Trapped) -> None:
    found = [links(traps, uid(300 + n), TRADE)[0]["estado_verificacion"] for n in range(4)]
    assert found == [*VERIFICATIONS.values(), "verificada"]
    assert links(traps, uid(311), TRADE)[0]["estado_verificacion"] == "pendiente"
    key = f"{uid(310)},{TRADE}"
    assert traps.quarantined("provider_professions", key) == ["estado_verificacion:check"]


def test_t09_a_requests_telephone_comes_from_phone(traps: Trapped) -> None:
    requests = "solicitudes_servicio"
    assert traps.value(requests, uid(900), "telefono") == mobile(900)
    assert traps.repair("service_requests", uid(900), "phone") == (
        "phone_e164", "0900000900", mobile(900)
    )  # fmt: skip
    assert traps.quarantined("service_requests", uid(901)) == ["telefono:type"]


def test_t10_a_message_without_its_user_keeps_its_own_telephone(traps: Trapped) -> None:
    assert traps.value("mensajes", uid(1000), "telefono") == mobile(1010)
    assert traps.value("mensajes", uid(1001), "telefono") == mobile(1011)
    assert traps.value("mensajes", uid(1003), "telefono") == mobile(1000)
    assert traps.value("compat_tinkubot.messages", uid(1000), "user_id").hex == (
        uid(9999).replace("-", "")
    )
    assert traps.quarantined("messages", uid(1002)) == ["telefono:not_null"]
    assert traps.quarantined("messages", uid(1004)) == ["telefono:type"]
    (kept,) = traps.rows(
        "select row ->> 'content' as content from traspaso.row_fates where source_key = %s",
        uid(1002),
    )
    assert kept["content"] == "Mensaje 1002"


def test_t11_a_session_without_its_user_is_kept_in_quarantine(traps: Trapped) -> None:
    assert traps.value("sesiones", uid(1102), "telefono") == mobile(1)
    assert traps.quarantined("sessions", uid(1100)) == ["telefono:not_null"]
    assert traps.quarantined("sessions", uid(1101)) == ["telefono:not_null"]


def test_t12_a_request_keeps_its_id_and_comes_once(traps: Trapped, again: Again) -> None:
    assert traps.value("solicitudes_servicio", uid(1200), "telefono") == mobile(1200)
    assert again.after["solicitudes_servicio"] == again.before["solicitudes_servicio"]


def test_t13_a_requests_client_is_found_whatever_the_telephones_format(traps: Trapped) -> None:
    requests = "solicitudes_servicio"
    assert str(traps.value(requests, uid(1300), "cliente_id")) == uid(1300)
    assert traps.value(requests, uid(1301), "cliente_id") is None
    assert traps.value(requests, uid(1301), "telefono") == mobile(1301)


def test_t14_a_requests_state_and_intent_are_what_the_legacy_says(traps: Trapped) -> None:
    requests = "solicitudes_servicio"
    assert estados(traps, requests, "estado", 1400, 2) == ["resuelta", "pendiente"]
    kinds = estados(traps, requests, "tipo_solicitud", 1401, 3)
    assert kinds == ["servicio", "queja", "servicio"]
    assert traps.repair("service_requests", uid(1403), "intent")[0] == "default"
    assert traps.quarantined("service_requests", uid(1404)) == ["tipo_solicitud:check"]


def test_t15_sequences_go_on_after_the_last_id(traps: Trapped) -> None:
    with traps.conn.transaction(force_rollback=True):
        (row,) = traps.rows("insert into public.profesiones (nombre) values ('Nueva') returning id")
        assert row["id"] == 1606
        (row,) = traps.rows(
            "insert into public.proveedor_profesiones (proveedor_id, profesion_id)"
            " values (%s, 2) returning id, (select max(id) from public.proveedor_profesiones)",
            PROVIDER,
        )
        assert row["id"] > row["max"]


def test_t16_professions_of_one_name_are_merged_and_their_providers_follow(
    traps: Trapped,
) -> None:
    assert traps.value("profesiones", 1601, "nombre") == "Gasfitero"
    assert traps.merged_into("professions", 1600) == (["nombre:unique"], "1601")
    assert traps.value("profesiones", 1602, "nombre") == "gasfitero"
    assert traps.quarantined("professions", 1603) == ["nombre:not_null"]
    assert traps.quarantined("professions", 1604) == ["nombre:length"]
    assert len(traps.value("profesiones", 1605, "nombre")) == 100
    assert len(links(traps, uid(1600), 1601)) == 1
    assert traps.repair("provider_professions", f"{uid(1600)},1600", "profession_id") == (
        "merged", "1600", "1601"
    )  # fmt: skip
    key = f"{uid(1601)},1603"
    assert traps.quarantined("provider_professions", key) == ["profesion_id:foreign_key"]


def test_t17_a_client_who_is_only_a_user_is_a_client(traps: Trapped) -> None:
    client = traps.row("clientes", uid(1700))
    assert client is not None
    assert client["telefono"] == mobile(1700)
    assert client["estado"] == "suspendido"
    assert client["notas"]["_legado"]["users"]["email"] == "solo@users.example"
    assert traps.value("compat_tinkubot.users", uid(1700), "email") == "solo@users.example"
    assert traps.value("clientes", uid(1702), "telefono") == mobile(1702)
    assert traps.merged_into("users", uid(1701)) == (["telefono:unique"], uid(1750))
    assert str(traps.value("proveedores", uid(1703), "id")) == uid(1703)
    assert traps.repairs_of("users", uid(1703)) == {"user_type"}
    assert traps.quarantined("users", uid(1704)) == ["user_type:check"]
    assert traps.quarantined("users", uid(1705)) == ["user_type:not_null"]


def test_t18_telephones_that_are_equal_when_normalized_are_one_client(traps: Trapped) -> None:
    assert traps.value("clientes", uid(1800), "telefono") == mobile(1800)
    assert traps.merged_into("customers", uid(1801)) == (["telefono:unique"], uid(1800))
    assert traps.value("clientes", uid(1802), "telefono") == mobile(1802)
    assert traps.quarantined("customers", uid(1803)) == ["telefono:type"]


def test_t19_providers_of_one_telephone_are_merged_and_what_is_theirs_follows(
    traps: Trapped,
) -> None:
    assert traps.value("proveedores", uid(1901), "telefono") == mobile(1900)
    assert traps.merged_into("users", uid(1900)) == (["telefono:unique"], uid(1901))
    assert len(links(traps, uid(1901), TRADE)) == 1
    assert str(traps.value("servicios_proveedor", uid(1900), "proveedor_id")) == uid(1901)
    assert traps.quarantined("users", uid(1902)) == ["telefono:not_null"]
    assert traps.quarantined("users", uid(1903)) == ["telefono:type"]


def test_t20_a_missing_name_is_the_documented_default_and_listed(traps: Trapped) -> None:
    for n in (2000, 2001):
        assert traps.value("proveedores", uid(n), "nombre") == "Proveedor TinkuBot"
        assert traps.repair("users", uid(n), "name")[::2] == ("default", "Proveedor TinkuBot")
    assert traps.value("clientes", uid(2002), "nombre_completo") == "Cliente TinkuBot"
    for n in (2003, 2004):
        assert traps.value("clientes", uid(n), "nombre_completo") == "Cliente TinkuBot"
        assert traps.repair("customers", uid(n), "full_name")[::2] == (
            "default", "Cliente TinkuBot"
        )  # fmt: skip


def test_t21_rating_and_level_are_defaults_that_a_run_does_not_overwrite(
    traps: Trapped, again: Again
) -> None:
    assert traps.value("proveedores", uid(2000), "rating") == Decimal("5.00")
    assert traps.value("proveedores", uid(2000), "nivel_verificacion") == "basico"
    assert traps.value("proveedores", uid(2100), "rating") == Decimal("4.50")
    assert again.after["proveedores"][uid(2100)] == again.before["proveedores"][uid(2100)]


def test_t22_text_that_is_no_json_is_kept_as_a_json_string(traps: Trapped) -> None:
    for trade, text in ((TRADE, ""), (2, "SECAP 2019")):
        assert links(traps, uid(2100), trade)[0]["certificaciones"] == text
        assert traps.repairs_of("provider_professions", f"{uid(2100)},{trade}") >= {
            "certifications"
        }
    assert links(traps, uid(2000), TRADE)[0]["certificaciones"] == []
    assert links(traps, uid(2000), 2)[0]["certificaciones"] == '{"a": 1, "a": 2}'
    assert links(traps, uid(2001), TRADE)[0]["certificaciones"] == ["SECAP"]
    assert traps.value("servicios_proveedor", uid(2200), "disponibilidad") == "siempre"
    assert traps.repair("provider_services", uid(2200), "availability")[0] == "json"
    assert traps.value("servicios_proveedor", uid(2201), "disponibilidad") == r'"\u0000"'
    assert traps.value("servicios_proveedor", uid(2202), "disponibilidad") == {"lunes": True}
    assert traps.value("sesiones", uid(2200), "datos_sesion") == "{"
    assert traps.value("sesiones", uid(2201), "datos_sesion")["paso"] == 1


def test_t23_years_of_experience_outside_0_to_70_are_quarantined(traps: Trapped) -> None:
    for trade in (TRADE, 2):
        key = f"{uid(2)},{trade}"
        assert traps.quarantined("provider_professions", key) == ["anos_experiencia:check"]
    assert [links(traps, uid(200), trade)[0]["anos_experiencia"] for trade in (TRADE, 2)] == [0, 70]
    assert links(traps, uid(1000), TRADE)[0]["anos_experiencia"] == 0
    assert traps.repair("provider_professions", f"{uid(1000)},{TRADE}", "experience_years") == (
        "default", None, "0"
    )  # fmt: skip


def test_t24_a_child_without_its_parent_is_quarantined(traps: Trapped) -> None:
    reasons = {
        f"{uid(9999)},{TRADE}": ["proveedor_id:foreign_key"],
        f"{uid(2400)},{TRADE}": ["proveedor_id:foreign_key"],
        f"{uid(1000)},9999": ["profesion_id:foreign_key"],
    }
    assert {key: traps.quarantined("provider_professions", key) for key in reasons} == reasons
    for n in (2400, 2402):
        assert traps.quarantined("provider_services", uid(n)) == ["proveedor_id:foreign_key"]
    assert traps.value("servicios_proveedor", uid(2401), "proveedor_id") is None


def test_t25_media_that_do_not_fit_are_quarantined_not_clipped(traps: Trapped) -> None:
    assert traps.quarantined("messages", uid(2500)) == ["tipo_media:length"]
    assert traps.quarantined("messages", uid(2501)) == ["url_media:length"]
    assert traps.value("mensajes", uid(2502), "tipo_media") == "t" * 20
    assert len(traps.value("mensajes", uid(2502), "url_media")) == 500


def test_t26_a_tasks_numbers_outside_their_ranges_are_quarantined(traps: Trapped) -> None:
    reasons = {
        2600: ["prioridad:check"], 2601: ["prioridad:check"], 2602: ["intentos:check"],
        2603: ["max_intentos:check"],
        2604: ["intentos:check", "max_intentos:check", "prioridad:check"],
    }  # fmt: skip
    assert {n: traps.quarantined("task_queue", uid(n)) for n in reasons} == reasons
    assert traps.value("tareas_programadas", uid(2605), "prioridad") == 10


def test_t27_a_number_that_does_not_fit_is_quarantined_and_decimals_are_listed(
    traps: Trapped,
) -> None:
    assert traps.quarantined("users", uid(2700)) == ["latitud:range"]
    assert traps.quarantined("users", uid(2701)) == ["longitud:range"]
    assert traps.quarantined("users", uid(2702)) == ["latitud:range"]
    assert traps.value("proveedores", uid(2703), "latitud") == Decimal("-0.12345679")
    assert traps.repair("users", uid(2703), "latitude") == (
        "scale", "-0.123456789", "-0.12345679"
    )  # fmt: skip
    assert traps.repairs_of("users", uid(2704)) == set()
    for n in (2700, 2701, 2703, 2705):
        assert traps.quarantined("provider_services", uid(n)) == ["precio:range"]
    assert traps.value("servicios_proveedor", uid(2702), "precio") == Decimal("99999999.99")
    assert traps.value("servicios_proveedor", uid(2704), "precio") == Decimal("12.50")
    assert traps.quarantined("service_requests", uid(2700)) == ["latitud:range"]
    assert traps.quarantined("service_requests", uid(2701)) == ["longitud:range"]


def test_t28_every_legacy_table_is_migrated(traps: Trapped) -> None:
    proof = traspaso(traps.settings, "validate", "tinkubot").json
    balances = {entry["source_table"]: entry for entry in proof["tables"]}
    assert set(balances) == set(TABLES)
    for name, entry in balances.items():
        assert set(entry["target_tables"]) == set(TABLES[name])
        assert entry["loaded"] > 0
        placed = entry["loaded"] + entry["merged"] + entry["quarantined"] + entry["excluded"]
        (found,) = traps.rows(f"select count(*) from public.{name}")  # noqa: S608
        assert entry["source_rows"] == placed == found["count"]


def test_t29_consents_are_kept_and_follow_a_merged_client(traps: Trapped) -> None:
    assert traps.value("consentimientos", uid(2910), "respuesta") == "aceptado"
    assert traps.value("consentimientos", uid(2911), "respuesta") == "rechazado"
    assert traps.quarantined("consents", uid(2912)) == ["respuesta:check"]
    assert traps.merged_into("customers", uid(2903)) == (["telefono:unique"], uid(2900))
    assert str(traps.value("consentimientos", uid(2913), "usuario_id")) == uid(2900)
    assert traps.quarantined("consents", uid(2914)) == ["usuario_id:foreign_key"]
    assert columns_of(traps, "consentimientos_usuario_id_fkey") == ["usuario_id"]
    compat = "compat_tinkubot.customers"
    assert traps.value(compat, uid(2900), "has_consent") is True
    assert traps.value(compat, uid(2900), "notes") == {"canal": "whatsapp"}
    assert traps.value(compat, uid(2901), "has_consent") is None
    # Notes that are no object have no place for it: the evidence keeps it.
    assert traps.repair("customers", uid(2902), "has_consent") == ("no_column", "false", None)


def test_t30_who_wrote_a_message_is_kept(traps: Trapped) -> None:
    assert traps.value("mensajes", uid(3000), "metadata")["_legado"]["is_bot"] is True
    compat = "compat_tinkubot.messages"
    assert [traps.value(compat, uid(n), "is_bot") for n in (3000, 3001)] == [True, False]
    assert traps.value(compat, uid(3001), "metadata") == {"a": 1}
    assert traps.repair("messages", uid(3002), "is_bot") == ("no_column", "true", None)


def test_t31_zoned_times_become_utc_and_naive_ones_keep_their_value(traps: Trapped) -> None:
    # The servers of the tests are in Guayaquil.
    noon = datetime(2025, 3, 9, 12)  # noqa: DTZ001  # naive in the target too
    assert traps.value("proveedores", uid(3100), "creado_at") == noon
    assert traps.value("clientes", uid(3100), "ciudad_confirmada_at") == noon
    assert traps.value("mensajes", uid(3100), "creado_at") == noon


def test_t32_a_second_run_brings_what_changed_and_touches_nothing_else(
    traps: Trapped, again: Again
) -> None:
    assert traps.value("proveedores", uid(3200), "ciudad") == "Loja"
    assert traps.row("proveedores", uid(3201)) is None
    assert traps.value("sesiones", uid(3200), "codigo_qr") == "después"
    assert traps.row("sesiones", uid(3201)) is None
    changed = {
        table: {key for key in rows if again.after[table].get(key) != rows[key]}
        for table, rows in again.before.items()
    }
    expected = {"proveedores", "sesiones"}
    assert {table for table, keys in changed.items() if keys} == expected
    assert all(changed[table] == {uid(3200), uid(3201)} for table in expected)
    assert all(set(again.after[table]) <= set(again.before[table]) for table in TARGETS)


def test_t33_each_customer_comes_once(traps: Trapped) -> None:
    (found,) = traps.rows(
        "select count(*) as rows, count(distinct c.id) as ids from public.clientes as c"
        " join public.customers as legacy using (id)"
    )
    gone = [
        row["id"] for row in LEGACY["customers"]
        if "customers" in {source for source, *_ in traps.fates_of(row["id"])}
    ]  # fmt: skip
    assert found["rows"] == found["ids"] == len(LEGACY["customers"]) - len(gone)
    assert gone


def test_t34_one_id_may_name_a_client_and_a_provider(traps: Trapped) -> None:
    for n in (3401, 3402):
        assert str(traps.value("clientes", uid(n), "id")) == uid(n)
        assert str(traps.value("proveedores", uid(n), "id")) == uid(n)
    assert traps.value("clientes", uid(3400), "nombre_completo") == "Cliente 3400"
    assert traps.merged_into("users", uid(3400)) == (["id:unique", "telefono:unique"], uid(3400))


def test_t35_a_message_log_that_was_encoded_twice_is_decoded_once(traps: Trapped) -> None:
    consents = "consentimientos"
    assert traps.value(consents, uid(3500), "registro_mensaje") == {"message_id": "m1"}
    assert traps.repair("consents", uid(3500), "message_log")[0] == "json_decoded"
    assert traps.value(consents, uid(3501), "registro_mensaje") == {"message_id": "m2"}
    assert traps.value(consents, uid(3502), "registro_mensaje") == "texto"
    assert traps.repairs_of("consents", uid(3501)) == set()


def test_t36_validation_compares_values_and_what_reads_changes_nothing(traps: Trapped) -> None:
    change = "update public.sesiones set codigo_qr = %s where id = %s"
    traps.conn.execute(change, ["otro", uid(3600)])
    try:
        found = traspaso(traps.settings, "validate", "tinkubot")
    finally:
        traps.conn.execute(change, ["original", uid(3600)])
    assert found.code == 1
    sessions = next(t for t in found.json["tables"] if t["source_table"] == "sessions")
    assert (sessions["mismatches"], sessions["residue"]) == (1, 0)
    (difference,) = found.json["differences"]
    assert (difference["source_key"], difference["columns"]) == (uid(3600), ["qr_code"])

    stored = versions(traps)
    for command in ("plan", "doctor", "status", "validate"):
        assert traspaso(traps.settings, command, "tinkubot").code == 0
    assert versions(traps) == stored


def test_t37_sessions_without_an_id_or_with_one_repeated_are_quarantined(traps: Trapped) -> None:
    assert traps.quarantined("sessions", "") == ["id:not_null"]
    assert traps.quarantined("sessions", uid(3701)) == ["id_sesion:not_null"]
    assert traps.value("sesiones", uid(3702), "codigo_qr") == "nueva"
    assert traps.quarantined("sessions", f"{uid(3702)}#2") == ["id:unique"]


@pytest.mark.parametrize(
    ("table", "column"),
    [("clientes", "telefono"), ("proveedores", "telefono"), ("profesiones", "nombre")],
)
def test_t38_the_documented_index_stands_beside_the_unique_key(
    traps: Trapped, table: str, column: str
) -> None:
    found = traps.rows(
        "select indexrelid::regclass::text as name, indisunique from pg_index"
        " join pg_attribute on attrelid = indrelid and attnum = indkey[0]"
        " where indrelid = %s::regclass and attname = %s",
        f"public.{table}", column,
    )  # fmt: skip
    assert {row["name"].removeprefix("public."): row["indisunique"] for row in found} == {
        f"idx_{table}_{column}": False, f"{table}_{column}_key": True,
    }  # fmt: skip
