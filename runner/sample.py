"""TinkuBot's legacy database with invented rows, clean or with every dirt that it is known for.

`python -m runner.sample seeds/legacy/tinkubot` writes the rows of the dbt sample anew.
"""

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import NamedTuple

import psycopg
from psycopg import sql

from runner.db import sql_text

# Column to value as COPY reads it, None for NULL; the keys are all columns in their order.
Row = dict[str, str | None]

SEED = 1
DIRT = 0.1
MAX_DIRT = 0.5

_START = datetime(2024, 10, 1, 8, tzinfo=UTC)
_GIVEN_NAMES = ("Amaru", "Beatriz", "Ciro", "Dolores", "Elías", "Flor", "Galo", "Inti", "Jacinta")
_SURNAMES = ("Quispe", "Ñauta", "Pilco", "Yépez", "Guamán", "Toctaguano", "Chicaiza", "Zhunio")
_CITIES = (
    ("Quito", -0.18, -78.47),
    ("Guayaquil", -2.17, -79.92),
    ("Cuenca", -2.9, -79.0),
    ("Ambato", -1.24, -78.62),
    ("Loja", -3.99, -79.2),
    ("Santo Domingo", -0.25, -79.17),
    ("Manta", -0.95, -80.73),
)
_TRADES = (
    "Plomero", "Electricista", "Carpintero", "Albañil", "Pintor", "Cerrajero", "Jardinero",
    "Mecánico", "Soldador", "Gasfitero", "Tapicero", "Zapatero", "Sastre", "Peluquera",
    "Manicurista", "Cocinera", "Pastelera", "Niñera", "Enfermera", "Fisioterapeuta", "Contadora",
    "Abogado", "Arquitecta", "Topógrafo", "Técnico en refrigeración", "Técnico en computadoras",
    "Fotógrafa", "Músico", "Profesora de inglés", "Fletes y mudanzas",
)  # fmt: skip
_CATEGORIES = ("hogar", "construcción", "belleza", "salud", "profesional", "eventos")
_MEDIA = (
    ("image", "image/jpeg", "foto.jpg"),
    ("audio", "audio/ogg", "nota.ogg"),
    ("video", "video/mp4", "video.mp4"),
    ("document", "application/pdf", "proforma.pdf"),
)
_CLIENT_STATUSES = ("active", "active", "active", "inactive", "suspended")
_PROVIDER_STATUSES = (*_CLIENT_STATUSES, "pending")
_LETTERS = str.maketrans("0123456789", "abcdefghij")
_TASKS = ("send_whatsapp", "reminder", "follow_up", "feedback", "notification")
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


class Spread:
    """Which of a table's rows are dirty, and with what: evenly spread, never two in a row.

    Each kind comes once before the first comes again; where there is dirt at all, each comes at
    least once if the table has rows for it.
    """

    def __init__(self, rows: int, dirt: float, kinds: tuple[str, ...]) -> None:
        self.rows = rows
        self.dirty = min(max(round(rows * dirt), len(kinds)), rows // 2) if dirt else 0
        self.kinds = kinds

    def kind(self, n: int) -> str | None:
        """Return what is wrong with row n, None where it is clean."""
        ordinal, place = divmod(n * self.dirty, self.rows)
        if place + self.dirty < self.rows:
            return None
        return self.kinds[ordinal % len(self.kinds)]

    def first(self, kind: str) -> int:
        """Return the first row of this kind, which must be one that occurs."""
        return -(-(self.kinds.index(kind) + 1) * self.rows // self.dirty) - 1

    def clean(self, n: int) -> int:
        """Return a clean row: n or the one before it."""
        n %= self.rows
        return n if self.kind(n) is None else n - 1


@dataclass(frozen=True)
class Sample:
    """What is to be generated: the rows of each table, and the dirt in it."""

    rows: Mapping[str, int]
    seed: int
    spreads: Mapping[str, Spread]

    def id(self, table: str, n: int) -> str:
        """Return the UUID of row n: each table knows those of the others without holding them."""
        digest = blake2b(f"{self.seed}:{table}:{n}".encode(), digest_size=16).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:]}"

    def id_of(self, table: str, kind: str) -> str:
        """Return the UUID of the first row of a kind."""
        return self.id(table, self.spreads[table].first(kind))

    def provider(self, n: int) -> str:
        """Return the UUID of the nth of the users who are born providers, three in four."""
        n %= self.rows["users"] * 3 // 4
        return self.id("users", n // 3 * 4 + n % 3)

    def customer(self, n: int) -> str:
        """Return the UUID of a clean customer, another one for (almost) each n."""
        return self.id("customers", self.spreads["customers"].clean(n))

    def customer_phone(self, n: int) -> str:
        """Return the telephone of `customer`."""
        return phone("customers", self.spreads["customers"].clean(n))


class At(NamedTuple):
    """Where dirt is put: the row, still clean, its number, and the last clean row before it."""

    sample: Sample
    row: Row
    before: Row
    n: int


Change = Mapping[str, str | Callable[[At], str | None] | None]


def phone(table: str, n: int) -> str:
    """Return the mobile number of row n of users or customers, in E.164; counted, so nobody's."""
    return f"+593{99 if table == 'users' else 96}{n:07d}"


def _national(number: str | None) -> str:
    return (number or "").removeprefix("+593")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _name(rng: Random) -> str:
    return f"{rng.choice(_GIVEN_NAMES)} {rng.choice(_SURNAMES)} {rng.choice(_SURNAMES)}"


def _trade(n: int) -> str:
    again, n = divmod(n, len(_TRADES))
    return f"{_TRADES[n]} {again + 1}" if again else _TRADES[n]


def _later(rng: Random, start: datetime = _START, days: int = 300) -> datetime:
    return start + timedelta(microseconds=rng.randrange(days * 86_400_000_000))


def _naive(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(" ")


def _place(rng: Random) -> tuple[str, str, str]:
    city, latitude, longitude = rng.choice(_CITIES)
    latitude, longitude = latitude + rng.uniform(-0.05, 0.05), longitude + rng.uniform(-0.05, 0.05)
    return city, f"{latitude:.6f}", f"{longitude:.8f}"


# Clean rows: what the application writes when all goes well. ---------------------------------


def _user(sample: Sample, rng: Random, n: int) -> Row:
    provider = n % 4 != 3  # noqa: PLR2004 see Sample.provider
    name = _name(rng)
    city, latitude, longitude = _place(rng)
    created = _later(rng)
    return {
        "id": sample.id("users", n),
        "phone_number": phone("users", n),
        "name": name,
        "user_type": "provider" if provider else "client",
        "email": f"usuario{n}@correo.example" if n % 3 else None,
        "business_name": f"Servicios {name.split()[-1]}" if provider else None,
        "business_description": "Trabajos a domicilio, con garantía" if provider else None,
        "address": f"Calle {rng.randrange(1, 60)} y Av. {rng.randrange(1, 20)}",
        "city": city,
        "country": "Ecuador",
        "latitude": latitude,
        "longitude": longitude,
        "status": rng.choice(_PROVIDER_STATUSES if provider else _CLIENT_STATUSES),
        "created_at": created.isoformat(" "),
        "updated_at": _later(rng, created, 60).isoformat(" "),
    }


def _customer(sample: Sample, rng: Random, n: int) -> Row:
    created = _later(rng)
    return {
        "id": sample.id("customers", n),
        "phone_number": phone("customers", n),
        "full_name": _name(rng),
        "city": _place(rng)[0],
        "city_confirmed_at": _later(rng, created, 2).isoformat(" ") if n % 3 else None,
        "has_consent": rng.choice(("true", "false")),
        "notes": rng.choice(("{}", '{"canal": "whatsapp"}', '{"prefiere": ["mañana", "tarde"]}')),
        "created_at": created.isoformat(" "),
        "updated_at": _later(rng, created, 60).isoformat(" "),
    }


def _profession(_: Sample, rng: Random, n: int) -> Row:
    created = _later(rng)
    return {
        "id": str(n + 1),
        "name": _trade(n),
        "specialty": rng.choice(("residencial", "industrial", None)),
        "category": rng.choice(_CATEGORIES),
        "is_active": "false" if n % 10 == 9 else "true",  # noqa: PLR2004 one in ten
        "created_at": created.isoformat(" "),
        "updated_at": _later(rng, created, 60).isoformat(" "),
    }


def _provider_profession(sample: Sample, rng: Random, n: int) -> Row:
    # Two for each provider; the distance between them keeps the pairs apart.
    provider, second = divmod(n, 2)
    return {
        "provider_id": sample.provider(provider),
        "profession_id": str((provider * 7 + second * 11) % sample.rows["professions"] + 1),
        "specialty": rng.choice(("residencial", "urgencias", None)),
        "experience_years": str(rng.randrange(0, 41)),
        "certifications": rng.choice(("[]", '["SECAP 2019"]', '["SETEC", "Curso de alturas"]')),
        "is_primary": "false" if second else "true",
        "verification_status": rng.choice(("pending", "verified", "rejected")),
        "created_at": _later(rng).isoformat(" "),
    }


def _provider_service(sample: Sample, rng: Random, n: int) -> Row:
    trade = rng.choice(_TRADES)
    created = _later(rng)
    return {
        "id": sample.id("provider_services", n),
        "provider_id": sample.provider(n),
        "title": f"{trade} a domicilio",
        "description": f"Servicio de {trade.lower()}; incluye la visita",
        "category": rng.choice(_CATEGORIES),
        "price": f"{rng.randrange(500, 20_000) / 100:.2f}",
        "price_type": rng.choice(("fixed", "range", "negotiable", "hourly")),
        "availability": rng.choice(("{}", '{"lunes": ["08:00", "17:00"]}', '{"24h": true}')),
        "is_active": rng.choice(("true", "true", "false")),
        "created_at": created.isoformat(" "),
        "updated_at": _later(rng, created, 60).isoformat(" "),
    }


def _service_request(sample: Sample, rng: Random, n: int) -> Row:
    city, latitude, longitude = _place(rng)
    requested = _later(rng)
    suggested = [
        {"id": sample.provider(rng.randrange(1000)), "nombre": _name(rng), "rating": 4.5}
        for _ in range(n % 3)
    ]
    return {
        "id": sample.id("service_requests", n),
        "phone": phone("customers", rng.randrange(sample.rows["customers"])),
        "intent": "service_request",
        "profession": rng.choice(_TRADES).lower(),
        "location_city": city,
        "location_lat": latitude,
        "location_lng": longitude,
        "requested_at": _naive(requested),
        "resolved_at": _naive(requested) if n % 5 else None,
        "suggested_providers": _json(suggested),
    }


def _message(sample: Sample, rng: Random, n: int) -> Row:
    user = rng.randrange(sample.rows["users"])
    bot = n % 2
    kind, mime, file = _MEDIA[n // 10 % len(_MEDIA)] if n % 10 == 0 else ("text", None, None)
    return {
        "id": sample.id("messages", n),
        "conversation_id": sample.id("conversations", user),
        # A row knows its user, its telephone, or both.
        "user_id": sample.id("users", user) if n % 3 else None,
        "phone": phone("users", user) if n % 3 != 1 else None,
        "message_type": kind,
        "content": (
            "Encontré dos proveedores cerca de usted 👍"
            if bot
            else f"Hola, necesito: {rng.choice(_TRADES).lower()} en {rng.choice(_CITIES)[0]}"
        ),
        "is_bot": "true" if bot else "false",
        "media_url": f"https://media.example/{n}/{file}" if file else None,
        "media_type": mime,
        "ai_response": '{"intent": "service_request"}' if n % 7 == 0 else None,
        "processing_status": rng.choice(("completed", "completed", "pending", "failed")),
        "metadata": rng.choice(("{}", '{"origen": "whatsapp"}')),
        "timestamp": _naive(_later(rng)),
    }


def _session(sample: Sample, rng: Random, n: int) -> Row:
    created = _later(rng)
    return {
        "id": sample.id("sessions", n),
        "user_id": sample.id("users", rng.randrange(sample.rows["users"])),
        "session_id": f"wa-{n:06d}",
        "status": rng.choice(("active", "inactive", "expired", "error")),
        "qr_code": f"2@{sample.id('qr', n)}" if n % 4 == 0 else None,
        "session_data": rng.choice(("{}", '{"paso": "ciudad", "intentos": 1}')),
        "expires_at": _naive(created + timedelta(hours=24)),
        "last_activity": _naive(_later(rng, created, 1)),
        "created_at": _naive(created),
    }


def _task(sample: Sample, rng: Random, n: int) -> Row:
    created = _later(rng)
    scheduled = created + timedelta(hours=1 + n % 48)
    status = rng.choice(("pending", "in_progress", "completed", "completed", "failed", "cancelled"))
    started = status in {"in_progress", "completed", "failed"}
    return {
        "id": sample.id("task_queue", n),
        "task_type": rng.choice(_TASKS),
        "payload": _json({"phone": phone("users", n % sample.rows["users"]), "message": "Hola"}),
        "status": status,
        "priority": str(n % 11),
        "scheduled_at": _naive(scheduled),
        "started_at": _naive(scheduled) if started else None,
        "completed_at": _naive(scheduled + timedelta(seconds=2)) if status == "completed" else None,
        "error_message": "HTTP 500:\nsin respuesta" if status == "failed" else None,
        "retry_count": str(n % 3),
        "max_retries": "3",
        "created_at": _naive(created),
    }


def _consent(sample: Sample, rng: Random, n: int) -> Row:
    customer = rng.randrange(sample.rows["customers"])
    return {
        "id": sample.id("consents", n),
        "user_id": sample.id("customers", customer),
        "user_type": "customer",
        "response": "declined" if n % 6 == 0 else "accepted",
        "message_log": _json({"consent_timestamp": _naive(_later(rng)), "message_id": f"m{n}"}),
        "created_at": _naive(_later(rng)),
    }


# Dirt: a kind's name, and what it puts into which columns of a clean row. ---------------------


def _before(column: str) -> Callable[[At], str | None]:
    return lambda at: at.before[column]


def _ghost(at: At) -> str:
    return at.sample.id("nobody", at.n)


def _user_of(kind: str) -> Callable[[At], str | None]:
    return lambda at: at.sample.id_of("users", kind)


def _local(number: str | None) -> str:
    return f"0{_national(number)}"


def _merged_profession(at: At) -> str:
    return str(at.sample.spreads["professions"].first("name_of_another") + 1)


def _roomy(column: str) -> Callable[[At], str]:
    """Return a telephone that takes more than 20 characters until it is normalized."""
    return lambda at: f"(+593)  {_national(at.row[column])}    "


def _phones(column: str) -> dict[str, Change]:
    """Telephones in the ways people write them, all different and at most 20 characters long."""

    def written(write: Callable[[str], str]) -> Change:
        return {column: lambda at: write(_national(at.row[column]))}

    return {
        "phone_local": written(lambda n: f"0{n}"),
        "phone_without_plus": written(lambda n: f"593{n}"),
        "phone_bare": written(lambda n: n),
        "phone_spaced": written(lambda n: f"+593 {n[:2]} {n[2:5]} {n[5:]}"),
        "phone_dashed": written(lambda n: f"0{n[:2]}-{n[2:5]}-{n[5:]}"),
        "phone_padded": written(lambda n: f" +593{n} "),
        "phone_double_zero": written(lambda n: f"00593{n}"),
        "phone_trunk_zero_kept": written(lambda n: f"+593 (0){n}"),
        "phone_fixed": written(lambda n: f"(02) 2{n[3:5]}-{n[5:]}"),
        "phone_colombia": written(lambda n: f"+57 300 {n[2:]}"),
        "phone_peru": written(lambda n: f"+51 9{n[1:]}"),
        "phone_usa": written(lambda n: f"+1 202 {n[2:]}"),
        # Not with digits behind: the phonenumbers library would dial those.
        "phone_letters": written(lambda n: f"anónimo {n[2:].translate(_LETTERS)}"),
        "phone_too_short": written(lambda n: n[3:]),
        # Blanks only, each another mix of them: they are unique in customers.
        "phone_blank": {column: lambda at: f"{at.n + 1:b}".translate({48: " ", 49: "\t"})},
    }


def _json_texts(column: str) -> dict[str, Change]:
    """Texts in a column that should hold JSON; some are JSON that jsonb refuses or shortens."""
    texts = {
        "no_json": "Maestro mayor, carné 1234",
        "empty": "",
        "null": None,
        "string": '"SECAP 2019"',
        "encoded_twice": _json('["SECAP 2019"]'),
        "json_null": "null",
        "number": "12",
        "zero_character": '{"nota": "a\\u0000b"}',
        "key_twice": '{"nivel": 1, "nivel": 2}',
        "key_twice_within": '{"cursos": [{"nivel": 1, "nivel": 2}]}',
        "number_too_large": "[1e200000]",
    }
    return {f"{column}_{kind}": {column: text} for kind, text in texts.items()}


def _values(column: str, spanish: str, other_case: str) -> dict[str, Change]:
    """Values of a mapped column that are not the documented ones."""
    return {
        f"{column}_other_case": {column: other_case},
        f"{column}_padded": {column: f" {other_case.lower()} "},
        f"{column}_spanish": {column: spanish},
        f"{column}_unknown": {column: "archived"},
        f"{column}_null": {column: None},
    }


_ODD_OFFSETS: Change = {
    "created_at": "2025-03-09 23:59:59.999999-05:30",
    "updated_at": "2025-03-10 12:30:00.5+05:45",
}
_NO_TIMES: Change = {"created_at": None, "updated_at": None}

_USERS: dict[str, Change] = {
    "phone_letters": _phones("phone_number")["phone_letters"],
    "phone_local": _phones("phone_number")["phone_local"],
    "phone_spaced": _phones("phone_number")["phone_spaced"],
    "phone_null": {"phone_number": None},
    "phone_over_20": {"phone_number": _roomy("phone_number")},
    "provider_with_phone_of_another": {
        "user_type": "provider",
        "phone_number": _before("phone_number"),
    },
    "provider_with_phone_of_another_as_new": {
        "user_type": "provider",
        "phone_number": lambda at: _local(at.before["phone_number"]),
        "updated_at": _before("updated_at"),
    },
    "provider_is_customer": {
        "id": lambda at: at.sample.customer(at.n),
        "user_type": "provider",
        "phone_number": lambda at: at.sample.customer_phone(at.n),
    },
    "client_is_customer": {
        "id": lambda at: at.sample.customer(at.n),
        "user_type": "client",
        "phone_number": lambda at: at.sample.customer_phone(at.n),
    },
    "client_is_customer_newer": {
        "id": lambda at: at.sample.customer(at.n),
        "user_type": "legacy_client",
        "phone_number": lambda at: _local(at.sample.customer_phone(at.n)),
        "updated_at": "2025-10-31 12:00:00+00:00",
    },
    "client_has_phone_of_customer": {
        "user_type": "client",
        "phone_number": lambda at: at.sample.customer_phone(at.n),
    },
    "client_has_id_of_customer": {
        "id": lambda at: at.sample.customer(at.n),
        "user_type": "client",
    },
    "client_legacy": {"user_type": "legacy_client"},
    "client_pending": {"user_type": "client", "status": "pending"},
    "client_without_phone": {"user_type": "client", "phone_number": None},
    "user_type_padded": {"user_type": " Provider "},
    "user_type_upper": {"user_type": "CLIENT"},
    "user_type_spanish": {"user_type": "proveedor"},
    "user_type_unknown": {"user_type": "admin"},
    "user_type_null": {"user_type": None},
    "name_null": {"name": None},
    "name_empty": {"name": ""},
    "name_blank": {"name": "   "},
    "name_over_255": {"name": "Amaru " * 50},
    **_values("status", "activo", "ACTIVE"),
    "business_over_255": {"business_name": "Servicios " * 30},
    "city_over_100": {"city": "San Francisco de " * 7},
    "country_null": {"country": None},
    "latitude_too_large": {"latitude": "123.45678901"},
    "latitude_ten_decimals": {"latitude": "-0.1234567891"},
    "latitude_nan": {"latitude": "NaN"},
    "longitude_too_large": {"longitude": "-79000"},
    "times_odd_offsets": _ODD_OFFSETS,
    "times_null": _NO_TIMES,
}

_CUSTOMERS: dict[str, Change] = {
    **_phones("phone_number"),
    "phone_over_20": {"phone_number": _roomy("phone_number")},
    "phone_over_20_digits": {"phone_number": lambda at: f"{at.row['phone_number']}0000000000000"},
    "phone_of_another": {"phone_number": lambda at: _local(at.before["phone_number"])},
    "phone_of_another_as_new": {
        "phone_number": lambda at: f"593{_national(at.before['phone_number'])}",
        "updated_at": _before("updated_at"),
    },
    "phone_of_user": {"phone_number": lambda at: phone("users", at.n)},
    "full_name_null": {"full_name": None},
    "full_name_empty": {"full_name": ""},
    "full_name_blank": {"full_name": " \t "},
    "full_name_over_255": {"full_name": "Beatriz " * 40},
    "city_over_100": {"city": "San Francisco de " * 7},
    "has_consent_null": {"has_consent": None},
    "notes_array": {"notes": '["llamar", {"hora": 9}]'},
    "notes_string": {"notes": '"cliente frecuente"'},
    "notes_null": {"notes": "null"},
    "notes_with_own_legado": {"notes": '{"_legado": {"has_consent": "sí"}, "canal": "web"}'},
    "times_odd_offsets": {"city_confirmed_at": "2025-01-01 00:00:00-05", **_ODD_OFFSETS},
}

_PROFESSIONS: dict[str, Change] = {
    "name_of_another": {"name": _before("name")},
    "name_of_another_as_new": {"name": _before("name"), "updated_at": _before("updated_at")},
    "name_padded": {"name": lambda at: f" {at.row['name']} "},
    "name_other_case": {"name": lambda at: str(at.before["name"]).upper()},
    "name_null": {"name": None},
    "name_blank": {"name": " "},
    "name_over_100": {"name": "Técnico en mantenimiento " * 5},
    "category_over_100": {"category": "construcción y " * 8},
    "is_active_null": {"is_active": None},
    "times_null": _NO_TIMES,
}

_PROVIDER_PROFESSIONS: dict[str, Change] = {
    "provider_gone": {"provider_id": _ghost},
    "provider_null": {"provider_id": None, "profession_id": "1"},
    "provider_null_again": {"provider_id": None, "profession_id": "1"},
    "provider_is_client": {"provider_id": _user_of("client_legacy")},
    "provider_without_phone": {"provider_id": _user_of("phone_null")},
    "provider_merged": {"provider_id": _user_of("provider_with_phone_of_another")},
    "profession_gone": {"profession_id": lambda at: str(at.sample.rows["professions"] + 1000)},
    "profession_null": {"profession_id": None},
    "profession_merged": {"profession_id": _merged_profession},
    "pair_of_another": {
        "provider_id": _before("provider_id"),
        "profession_id": _before("profession_id"),
    },
    "row_of_another": {
        column: _before(column)
        for column in (
            "provider_id", "profession_id", "specialty", "experience_years", "certifications",
            "is_primary", "verification_status", "created_at",
        )
    },
    "experience_years_below_0": {"experience_years": "-1"},
    "experience_years_over_70": {"experience_years": "71"},
    "experience_years_null": {"experience_years": None},
    **_json_texts("certifications"),
    "is_primary_null": {"is_primary": None},
    **_values("verification_status", "verificada", "Verified"),
    "specialty_over_255": {"specialty": "instalaciones " * 20},
    "created_at_odd_offset": {"created_at": "2025-03-09 23:59:59.999999-05:30"},
    "created_at_null": {"created_at": None},
}  # fmt: skip

_PROVIDER_SERVICES: dict[str, Change] = {
    "provider_gone": {"provider_id": _ghost},
    "provider_null": {"provider_id": None},
    "provider_is_client": {"provider_id": _user_of("client_legacy")},
    "provider_merged": {"provider_id": _user_of("provider_with_phone_of_another")},
    "title_null": {"title": None},
    "title_blank": {"title": " "},
    "title_over_255": {"title": "Instalación eléctrica " * 12},
    "category_over_100": {"category": "construcción y " * 8},
    "price_too_large": {"price": "1000000000"},
    "price_three_decimals": {"price": "12.345"},
    "price_nan": {"price": "NaN"},
    "price_null": {"price": None},
    **_values("price_type", "hora", "FIXED"),
    **_json_texts("availability"),
    "is_active_null": {"is_active": None},
    "times_odd_offsets": _ODD_OFFSETS,
    "times_null": _NO_TIMES,
}

_SERVICE_REQUESTS: dict[str, Change] = {
    **_phones("phone"),
    "phone_of_nobody": {"phone": "+593970000000"},
    "phone_of_client_in_users": {"phone": phone("users", 3)},
    "intent_other_case": {"intent": "Service_Request"},
    "intent_padded": {"intent": " service_request "},
    "intent_spanish": {"intent": "queja"},
    "intent_unknown": {"intent": "saludo"},
    "intent_null": {"intent": None},
    "place_null": {"location_city": None, "location_lat": None, "location_lng": None},
    "latitude_too_large": {"location_lat": "123.45678901"},
    "latitude_ten_decimals": {"location_lat": "-0.1234567891"},
    "latitude_nan": {"location_lat": "NaN"},
    "longitude_too_large": {"location_lng": "-79000"},
    "longitude_nan": {"location_lng": "NaN"},
    "requested_at_null": {"requested_at": None},
    "resolved_at_null": {"resolved_at": None},
    "resolved_before_requested": {"resolved_at": "2020-02-29 00:00:00.000001"},
    "suggested_providers_null": {"suggested_providers": None},
    "suggested_providers_object": {"suggested_providers": '{"total": 0}'},
    "suggested_providers_encoded_twice": {"suggested_providers": _json("[]")},
}

_MESSAGES: dict[str, Change] = {
    "user_gone": {"user_id": _ghost, "phone": phone("users", 1)},
    "user_gone_without_phone": {"user_id": _ghost, "phone": None},
    "user_gone_with_bad_phone": {"user_id": _ghost, "phone": "sin número"},
    "user_and_phone_null": {"user_id": None, "phone": None},
    "user_null_phone_bad": {"user_id": None, "phone": "12345"},
    "user_with_bad_phone": {"user_id": _user_of("phone_letters"), "phone": phone("users", 2)},
    "user_without_phone": {"user_id": _user_of("phone_null"), "phone": "0990000002"},
    "user_with_bad_phone_alone": {"user_id": _user_of("phone_letters"), "phone": None},
    "user_of_another_phone": {
        "user_id": lambda at: at.sample.provider(0),
        "phone": phone("users", 5),
    },
    "phone_empty": {"user_id": lambda at: at.sample.provider(0), "phone": ""},
    "phone_local": {"user_id": None, "phone": "0990000001"},
    "phone_dashed": {"user_id": None, "phone": "099-000-0001"},
    **_values("message_type", "texto", "IMAGE"),
    "message_type_sticker": {"message_type": "sticker"},
    "processing_status_received": {"processing_status": "received"},
    **_values("processing_status", "completado", "Completed"),
    "conversation_null": {"conversation_id": None},
    "content_of_several_lines": {"content": 'Dos "líneas",\nuna\ttabulación, \\ y ñandú 🦙'},
    "is_bot_null": {"is_bot": None},
    "media_type_over_20": {
        "message_type": "document",
        "media_type": _DOCX,
        "media_url": "https://media.example/proforma.docx",
    },
    "media_url_over_500": {
        "message_type": "image",
        "media_type": "image/jpeg",
        "media_url": "https://media.example/foto.jpg?firma=" + "0123456789" * 50,
    },
    "metadata_null": {"metadata": None},
    "metadata_json_null": {"metadata": "null"},
    "metadata_array": {"metadata": "[1, 2]"},
    "metadata_string": {"metadata": '"reenviado"'},
    "metadata_number": {"metadata": "1.50"},
    "metadata_own_keys": {"metadata": '{"user_id": "x", "is_bot": "no", "b": null, "a": {"c": 1}}'},
    "metadata_with_own_legado": {"metadata": '{"_legado": {"is_bot": null}}'},
    "timestamp_null": {"timestamp": None},
    "timestamp_microsecond": {"timestamp": "2025-02-28 23:59:59.999999"},
}

_SESSIONS: dict[str, Change] = {
    "id_null": {"id": None},
    "id_null_again": {"id": None},
    "id_of_another": {"id": _before("id")},
    "id_of_another_as_new": {"id": _before("id"), "last_activity": _before("last_activity")},
    "user_null": {"user_id": None},
    "user_gone": {"user_id": _ghost},
    "user_with_bad_phone": {"user_id": _user_of("phone_letters")},
    "session_id_null": {"session_id": None},
    "session_id_over_255": {"session_id": "wa-" * 90},
    **_json_texts("session_data"),
    "session_data_array": {"session_data": '["paso", 2]'},
    **_values("status", "activa", "EXPIRED"),
    "times_null": {"expires_at": None, "last_activity": None, "created_at": None},
}

_TASK_QUEUE: dict[str, Change] = {
    "task_type_other_case": {"task_type": "Send_WhatsApp"},
    "task_type_padded": {"task_type": " reminder "},
    "task_type_spanish": {"task_type": "enviar_whatsapp"},
    "task_type_unknown": {"task_type": "export_csv"},
    **_values("status", "completada", "PENDING"),
    "priority_over_10": {"priority": "11"},
    "priority_below_0": {"priority": "-1"},
    "priority_null": {"priority": None},
    "retry_count_below_0": {"retry_count": "-1"},
    "retry_count_null": {"retry_count": None},
    "max_retries_0": {"max_retries": "0"},
    "max_retries_null": {"max_retries": None},
    "everything_out_of_range": {"priority": "99", "retry_count": "-1", "max_retries": "0"},
    "payload_array": {"payload": "[]"},
    "payload_encoded_twice": {"payload": _json('{"phone": "0990000001"}')},
    "created_at_null": {"created_at": None},
}

_CONSENTS: dict[str, Change] = {
    "message_log_encoded_twice": {"message_log": lambda at: _json(at.row["message_log"])},
    "message_log_text": {"message_log": '"acepto"'},
    "message_log_array": {"message_log": '[{"message_id": "m1"}]'},
    "message_log_json_null": {"message_log": "null"},
    "customer_null": {"user_id": None},
    "customer_merged": {"user_id": lambda at: at.sample.id_of("customers", "phone_of_another")},
    "customer_without_phone": {"user_id": lambda at: at.sample.id_of("customers", "phone_letters")},
    **_values("user_type", "cliente", "Customer"),
    "response_upper": {"response": "ACCEPTED"},
    "response_padded": {"response": " declined "},
    "response_spanish": {"response": "aceptado"},
    "response_unknown": {"response": "maybe"},
    "created_at_null": {"created_at": None},
}


class Table(NamedTuple):
    """A legacy table: its rows at scale 1, its clean rows, its kinds of dirt."""

    rows: int
    make: Callable[[Sample, Random, int], Row]
    dirt: Mapping[str, Change]


# Parents first.
TABLES: dict[str, Table] = {
    "users": Table(120, _user, _USERS),
    "customers": Table(150, _customer, _CUSTOMERS),
    "professions": Table(30, _profession, _PROFESSIONS),
    "provider_professions": Table(180, _provider_profession, _PROVIDER_PROFESSIONS),
    "provider_services": Table(120, _provider_service, _PROVIDER_SERVICES),
    "service_requests": Table(200, _service_request, _SERVICE_REQUESTS),
    "messages": Table(600, _message, _MESSAGES),
    "sessions": Table(80, _session, _SESSIONS),
    "task_queue": Table(100, _task, _TASK_QUEUE),
    "consents": Table(120, _consent, _CONSENTS),
}


def generate(
    scale: int = 1,
    seed: int = SEED,
    dirt: float = DIRT,
    *,
    messages: int | None = None,
    for_seeds: bool = False,
) -> dict[str, Iterator[Row]]:
    """Return each table's rows, made one by one as they are asked for; parents come first.

    `scale` multiplies the rows of `TABLES`, `messages` sets those of that table. `dirt` is the
    fraction of rows with something wrong, 0 to 0.5; above 0 each kind comes at least once. The
    same arguments give the same rows. `for_seeds` leaves rows clean whose dirt would not survive in
    the CSV of a dbt seed. Raises ValueError.
    """
    if scale < 1 or not 0 <= dirt <= MAX_DIRT:
        raise ValueError(f"scale must be 1 or more, dirt 0 to {MAX_DIRT}")
    rows = {name: table.rows * scale for name, table in TABLES.items()}
    if messages is not None:
        rows["messages"] = messages
    spreads = {name: Spread(rows[name], dirt, tuple(table.dirt)) for name, table in TABLES.items()}
    sample = Sample(rows, seed, spreads)
    return {name: _rows(sample, name, for_seeds=for_seeds) for name in TABLES}


def _rows(sample: Sample, name: str, *, for_seeds: bool) -> Iterator[Row]:
    _, make, dirt = TABLES[name]
    spread = sample.spreads[name]
    rng = Random(f"{sample.seed}:{name}")  # noqa: S311 no secret, and to be repeated
    before: Row = {}
    for n in range(spread.rows):
        row = make(sample, rng, n)
        kind = spread.kind(n)
        if kind is None:
            before = row
        else:
            at = At(sample, row, before, n)
            changed = {
                column: value(at) if callable(value) else value
                for column, value in dirt[kind].items()
            }
            if not for_seeds or all(map(_survives, changed.values())):
                row |= changed
        yield row


def _survives(value: str | None) -> bool:
    # dbt reads blanks and null as NULL, whatever the column; DuckDB's decimals have no NaN.
    return value is None or value.strip().lower() not in {"", "null", "nan"}


def create_legacy(
    conn: psycopg.Connection,
    schema: str = "public",
    *,
    scale: int = 1,
    seed: int = SEED,
    dirt: float = DIRT,
    messages: int | None = None,
) -> dict[str, int]:
    """Create the legacy tables in a schema, fill them, and return the rows of each.

    All in one transaction. Raises psycopg.Error where they are there already.
    """
    counts = {}
    with conn.transaction(), conn.cursor() as cursor:
        cursor.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
        cursor.execute("select pg_catalog.current_setting('search_path')")
        search_path = cursor.fetchone()
        cursor.execute(sql.SQL("set local search_path to {}").format(sql.Identifier(schema)))
        cursor.execute(sql_text("legacy/tinkubot.sql"))
        for name, rows in generate(scale, seed, dirt, messages=messages).items():
            statement = sql.SQL("copy {} from stdin").format(sql.Identifier(name))
            with cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(tuple(row.values()))
            counts[name] = cursor.rowcount
            # As autovacuum has long done where the rows were not made a moment ago.
            cursor.execute(sql.SQL("analyze {}").format(sql.Identifier(name)))
        cursor.execute(
            "select setval(pg_get_serial_sequence('professions', 'id'), max(id)) from professions"
        )
        cursor.execute("select set_config('search_path', %s, true)", search_path)
    return counts


def write_seeds(folder: Path) -> None:
    """Write the rows of the dbt sample, one CSV a table, into a folder; an empty field is NULL."""
    for name, rows in generate(for_seeds=True).items():
        path = folder / f"legado_tinkubot__{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            for n, row in enumerate(rows):
                if n == 0:
                    writer.writerow(row)
                writer.writerow(row.values())


if __name__ == "__main__":
    write_seeds(Path(sys.argv[1]))
