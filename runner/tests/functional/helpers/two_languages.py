"""Writes to a switched TinkuBot by English and by Spanish names, and what the legacy must hold.

Beside the switched database stands a shadow of the legacy tables: an English write is said to it
too, to the letter; of a Spanish write it gets what the views show otherwise than before.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from runner.tests.functional.helpers.tinkubot_cases import TABLES, TARGETS, uid

SHADOW = "sombra"
# The tables without a primary key.
KEYS = {"provider_professions": ("provider_id", "profession_id")}

_ALL = sql.SQL("true")

Values = dict[str, Any]
Shown = dict[str, dict[tuple[str | None, ...], list[dict[str, str | None]]]]

_TEXTS = (None, "", "Ana Ñauta", "x", "  con blancos ")
_JSONS = ("{}", "[]", '["a"]', '"texto"', '{"a": {"b": 1}, "_legado": 5}', '{"_legado": {"x": 1}}',
          "3", "null")  # fmt: skip
_JSON_TEXTS = (None, "", "{roto", "[1,  2]", '{"a": 1}', "{}", '"x"')
_MOMENTS = ("2025-03-04 05:06:07.123456", "2024-12-31 23:59:59.999999", None)


def _one(*values: object) -> Callable[["Writer"], object]:
    return lambda writer: writer.random.choice(values)


def _phone(writer: "Writer") -> str:
    number = f"9{writer.random.randrange(10**7, 10**8):08d}"
    return writer.random.choice(["0{}", "+593{}", "593 {}", "0{} "]).format(number)


def _some(query: str, share: float = 0.9) -> Callable[["Writer"], object]:
    """Give a value that a query finds, now and then nobody's."""

    def pick(writer: "Writer") -> object:
        if writer.random.random() > share:
            return writer.random.choice([None, uid(999)])
        found = sorted(row[0] for row in writer.conn.execute(query.encode()))
        return writer.random.choice(found) if found else None

    return pick


_PROVIDERS = "select id::text from public.proveedores"
_USERS = "select id::text from public.users"
_CLIENTS = "select id::text from public.clientes"
_PROFESSIONS = "select id from public.profesiones"


def _profession(writer: "Writer") -> object:
    return writer.random.choice(
        sorted(row[0] for row in writer.conn.execute(_PROFESSIONS.encode())) or [1]
    )


ENGLISH: dict[str, dict[str, Callable[["Writer"], object]]] = {
    "users": {
        "phone_number": _phone, "name": _one(*_TEXTS),
        "user_type": _one("provider", "provider", "client", "legacy_client", " Provider"),
        "status": _one("active", "ACTIVE", "inactive", "suspended", None),
        "email": _one(None, "a@b.example"), "country": _one(None, "Perú"),
        "latitude": _one(None, "-0.12345678912", "5"), "longitude": _one(None, "-78.5"),
        "city": _one(*_TEXTS), "created_at": _one(*_MOMENTS),
    },
    "customers": {
        "phone_number": _phone, "full_name": _one(*_TEXTS), "city": _one(*_TEXTS),
        "has_consent": _one(None, True, False), "notes": _one(*_JSONS),
        "city_confirmed_at": _one(*_MOMENTS),
    },
    "professions": {
        "name": lambda w: f"Oficio {w.random.randrange(10**6)}", "category": _one(*_TEXTS),
        "is_active": _one(None, True, False), "updated_at": _one(*_MOMENTS),
    },
    "provider_professions": {
        "provider_id": _some(_PROVIDERS, 1), "profession_id": _profession,
        "experience_years": _one(None, 5, 70), "certifications": _one(*_JSON_TEXTS),
        "is_primary": _one(None, True), "verification_status": _one(None, "VERIFIED", "pending"),
        "specialty": _one(*_TEXTS),
    },
    "provider_services": {
        "provider_id": _some(_PROVIDERS), "title": _one("Techos", ""),
        "price": _one(None, "1.005", "12.50", "7"), "price_type": _one(None, "Fixed", "hourly"),
        "availability": _one(*_JSON_TEXTS), "description": _one(*_TEXTS),
    },
    "service_requests": {
        "phone": _phone, "intent": _one(None, "service_request", "QUEJA", "consulta"),
        "resolved_at": _one(None, *_MOMENTS), "location_lat": _one(None, "-0.123456789999"),
        "suggested_providers": _one(None, "[]", '["p"]', "null"), "location_city": _one(*_TEXTS),
    },
    "messages": {
        "user_id": _some(_USERS, 0.6), "phone": _phone,
        "message_type": _one(None, "text", "Location", "image"), "content": _one("hola", ""),
        "is_bot": _one(None, True, False), "media_url": _one(*_TEXTS),
        "processing_status": _one(None, "received", "failed", "pending", "Completed"),
        "metadata": _one(None, *_JSONS), "timestamp": _one(*_MOMENTS),
    },
    "sessions": {
        "user_id": _some(_USERS), "session_id": _one("s1", "s2"),
        "status": _one(None, "active", "EXPIRED", "error"), "session_data": _one(*_JSON_TEXTS),
        "qr_code": _one(*_TEXTS), "expires_at": _one(*_MOMENTS),
    },
    "task_queue": {
        "task_type": _one("reminder", "Send_WhatsApp"), "payload": _one(*_JSONS),
        "status": _one(None, "pending", "CANCELLED"), "priority": _one(None, 0, 10),
        "scheduled_at": _one("2025-01-01 00:00:00"), "retry_count": _one(None, 0, 4),
    },
    "consents": {
        "user_id": _some(_CLIENTS), "user_type": _one("customer", None),
        "response": _one("accepted", "DECLINED"),
        "message_log": _one('"{\\"a\\": 1}"', '{"a": 1}', "[1]", '"x"'),
    },
}  # fmt: skip

SPANISH: dict[str, dict[str, Callable[["Writer"], object]]] = {
    "proveedores": {
        "telefono": _phone, "nombre": _one("Ana", ""), "rating": _one("5.0", "3.25", None),
        "estado": _one("activo", "verificacion_pendiente", None),
        "email": _one(None, "a@b.example"),
        "nivel_verificacion": _one("basico", "premium"), "latitud": _one(None, "-0.12345678"),
    },
    "clientes": {
        "telefono": _phone, "nombre_completo": _one("Ana", "", "Cliente TinkuBot"),
        "estado": _one("activo", "suspendido", None),
        "notas": _one(*_JSONS, None, '{"_legado": {"users": {"user_type": "client"}}}'),
        "ciudad_confirmada_at": _one(*_MOMENTS),
    },
    "profesiones": {
        "nombre": lambda w: f"Ocupación {w.random.randrange(10**6)}",
        "esta_activo": _one(None, False),
    },
    "proveedor_profesiones": {
        "proveedor_id": _some(_PROVIDERS), "profesion_id": _profession,
        "anos_experiencia": _one(None, 7), "certificaciones": _one(None, *_JSONS),
        "estado_verificacion": _one(None, "verificada"),
    },
    "servicios_proveedor": {
        "proveedor_id": _some(_PROVIDERS), "titulo": _one("Techos", ""),
        "precio": _one(None, "12.50", "NaN"), "tipo_precio": _one(None, "hora"),
        "disponibilidad": _one(None, *_JSONS),
    },
    "solicitudes_servicio": {
        "telefono": _phone, "cliente_id": _some(_CLIENTS),
        "estado": _one("pendiente", "en_progreso", "resuelta", "cancelada"),
        "resuelto_at": _one(*_MOMENTS), "tipo_solicitud": _one(None, "queja"),
    },
    "mensajes": {
        "telefono": _phone, "tipo_mensaje": _one("texto", "contacto"),
        "contenido": _one("hola", ""),
        "metadata": _one(None, *_JSONS), "estado_procesamiento": _one(None, "pendiente", "error"),
        "creado_at": _one(*_MOMENTS),
    },
    "sesiones": {
        "telefono": _phone, "id_sesion": _one("s1", "s3"), "estado": _one(None, "activa"),
        "datos_sesion": _one(None, *_JSONS),
    },
    "tareas_programadas": {
        "tipo_tarea": _one("feedback", "recordatorio"), "payload": _one(*_JSONS),
        "estado": _one(None, "fallida"), "prioridad": _one(None, 3),
        "programada_at": _one("2025-01-01 00:00:00"),
    },
    "consentimientos": {
        "usuario_id": _some(_CLIENTS), "tipo_usuario": _one("cliente", None),
        "respuesta": _one("aceptado", "rechazado"), "registro_mensaje": _one(*_JSONS),
    },
}  # fmt: skip

# Of which rows the Spanish table says what no English name can.
NO_ENGLISH_FORM = {
    "proveedores": "rating is distinct from 5 or nivel_verificacion is distinct from 'basico'",
    "clientes": "notas #> '{_legado,users}' is null and estado is distinct from 'activo'",
    "solicitudes_servicio": "estado is distinct from"
    " case when resuelto_at is null then 'pendiente' else 'resuelta' end",
}


@dataclass
class Writer:
    """Whoever writes to a switched database, and keeps the shadow in step."""

    conn: psycopg.Connection
    random: Random
    did: list[str] = field(default_factory=list)
    written: set[tuple[str, str]] = field(default_factory=set)
    # Keys that several legacy rows have: which of them a write was for nobody can tell.
    unclear: set[tuple[str, tuple[str | None, ...]]] = field(default_factory=set)
    # The legacy keys of the rows that the views show under another.
    _before: dict[tuple[str | None, ...], list[tuple[str | None, ...]]] = field(
        default_factory=dict
    )
    _numbers: int = 5000

    def make_shadow(self) -> None:
        """Copy the legacy tables as they were when they moved away."""
        self.conn.execute(f"create schema {SHADOW}".encode())
        for table in TABLES:
            self.conn.execute(
                sql.SQL("create table {0} (like {1} including defaults)").format(
                    sql.Identifier(SHADOW, table), sql.Identifier("legado_tinkubot", table)
                )
            )
            self.conn.execute(
                sql.SQL("insert into {} select * from {}").format(
                    sql.Identifier(SHADOW, table), sql.Identifier("legado_tinkubot", table)
                )
            )
        for row in self.conn.execute(
            "select distinct r.provider_id::text, r.profession_id::text, p.shown ->> 'provider_id',"
            " p.shown ->> 'profession_id' from legado_tinkubot.provider_professions as r inner join"
            " (select regexp_replace(source_key, '#[0-9]+$', '') as base,"
            " jsonb_object_agg(column_name, shown) as shown from traspaso.repairs"
            " where source_table = 'provider_professions'"
            " and column_name in ('provider_id', 'profession_id') group by 1) as p"
            " on p.base = concat_ws(',', r.provider_id, r.profession_id)"
        ):
            shown = (row[2] or row[0], row[3] or row[1])
            self._before.setdefault(shown, []).append(row[:2])
        self.conn.execute(
            f"create trigger fecha before update on {SHADOW}.customers"
            " for each row execute function public.handle_updated_at()".encode()
        )

    def write(self, kind: str, table: int, nth: int) -> None:
        """Do a write; one that the database refuses is none."""
        language, verb = kind.split()
        names = [*(ENGLISH if language == "english" else SPANISH)]
        name = names[table % len(names)]
        try:
            with self.conn.transaction():
                getattr(self, f"_{language}_{verb}")(name, nth)
        except psycopg.Error as error:
            self.did.append(f"refused: {kind} {name} {error.sqlstate} {error.diag.message_primary}")

    # --- by English names ---------------------------------------------------------------------

    def _english_insert(self, table: str, _: int) -> None:
        row = self._row(ENGLISH[table])
        if not all(name in row for name in KEYS.get(table, ())):
            return
        if table not in KEYS and table != "professions":
            self._numbers += 1
            row["id"] = uid(self._numbers)
        self.did.append(f"insert {table} {row}")
        with self.conn.cursor(row_factory=dict_row) as cursor:
            made = cursor.execute(_insert("public", table, row)).fetchone() or {}
        if table == "professions":
            row["id"] = made["id"]
        self.conn.execute(_insert(SHADOW, table, row))

    def _english_update(self, table: str, nth: int) -> None:
        key = self._key_of_one(table, nth)
        if key is None:
            return
        row = self._row(ENGLISH[table], part=True)
        for name in KEYS.get(table, ()):
            row.pop(name, None)
        if not row:
            return
        self.did.append(f"update {table} {key} {row}")
        shown, letters = self._texts("public", table, key), self._texts(SHADOW, table, key)
        statement = sql.SQL("update {} set {} where {}")
        for schema in ("public", SHADOW):
            done = self.conn.execute(
                statement.format(
                    sql.Identifier(schema, table), _assign(row, ", "), _assign(key, " and ")
                )
            )
            assert done.rowcount == 1, (schema, self.did[-1])
        # Who writes what the view shows has written nothing.
        given = self._texts(SHADOW, table, key)
        same = {name: letters[name] for name in row if given[name] == shown[name]}
        if same:
            self._in_shadow(
                statement.format(
                    sql.Identifier(SHADOW, table), _assign(same, ", "), _assign(key, " and ")
                )
            )

    def _english_delete(self, table: str, nth: int) -> None:
        key = self._key_of_one(table, nth)
        if key is None:
            return
        self.did.append(f"delete {table} {key}")
        for schema in ("public", SHADOW):
            self.conn.execute(
                sql.SQL("delete from {} where {}").format(
                    sql.Identifier(schema, table), _assign(key, " and ")
                )
            )

    def _key_of_one(self, table: str, nth: int) -> Values | None:
        """Return the nth key of those that one row of the view and one of the shadow have."""
        names = KEYS.get(table, ("id",))
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        found = self.conn.execute(
            sql.SQL(
                "(select {0} from {1} group by {0} having count(*) = 1) intersect"
                " (select {0} from {2} group by {0} having count(*) = 1) order by {0}"
            ).format(columns, sql.Identifier("public", table), sql.Identifier(SHADOW, table))
        ).fetchall()
        found = [row for row in found if None not in row]
        return dict(zip(names, found[nth % len(found)], strict=True)) if found else None

    def _texts(self, schema: str, table: str, key: Values) -> dict[str, str | None]:
        (row,) = self._all(schema, table, _assign(key, " and "))
        return row

    # --- by Spanish names ---------------------------------------------------------------------

    def _spanish_insert(self, table: str, _: int) -> None:
        row = self._row(SPANISH[table])
        self._spanish(table, _insert("public", table, row), f"insert {table} {row}")

    def _spanish_update(self, table: str, nth: int) -> None:
        row = self._row(SPANISH[table], part=True)
        place = self._place(table, nth)
        if row and place is not None:
            statement = sql.SQL("update {} set {} where id = {} returning *").format(
                sql.Identifier("public", table), _assign(row, ", "), sql.Literal(place)
            )
            self._spanish(table, statement, f"update {table} {place} {row}")

    def _spanish_delete(self, table: str, nth: int) -> None:
        place = self._place(table, nth)
        if place is not None:
            statement = sql.SQL("delete from {} where id = {} returning *").format(
                sql.Identifier("public", table), sql.Literal(place)
            )
            self._spanish(table, statement, f"delete {table} {place}")

    def _place(self, table: str, nth: int) -> object:
        found = self.conn.execute(
            sql.SQL("select id from {} order by id").format(sql.Identifier("public", table))
        ).fetchall()
        return found[nth % len(found)][0] if found else None

    def _spanish(self, table: str, statement: sql.Composed, words: str) -> None:
        self.did.append(words)
        before = self.shown()
        with self.conn.cursor(row_factory=dict_row) as cursor:
            (row,) = cursor.execute(statement).fetchall()
        self.written.add((table, str(row["id"])))
        after = self.shown()
        for name in TABLES:
            for key in {*before[name], *after[name]}:
                was, now = before[name].get(key, []), after[name].get(key, [])
                if was != now:
                    self._show(name, key, was, now)

    def _show(
        self,
        table: str,
        key: tuple[str | None, ...],
        was: list[dict[str, str | None]],
        now: list[dict[str, str | None]],
    ) -> None:
        """Give the shadow what the view shows otherwise than before."""
        relation = sql.Identifier(SHADOW, table)
        before = self._before.get(key, []) if table in KEYS else []
        if was and len(before) == 1 and not self._has(table, key):
            self._before.pop(key)
            key = before[0]
        elif before:
            self.unclear |= {(table, other) for other in (key, *before)}
            return
        where = sql.SQL(" and ").join(
            sql.SQL("{}::text is not distinct from {}").format(
                sql.Identifier(name), sql.Literal(value)
            )
            for name, value in zip(KEYS.get(table, ("id",)), key, strict=True)
        )
        (held,) = self.conn.execute(
            sql.SQL("select count(*) from {} where {}").format(relation, where)
        ).fetchone() or (0,)
        if len(was) != held or held > 1 or len(now) > 1:
            if None in key and held == len(was):
                self._in_shadow(sql.SQL("delete from {} where {}").format(relation, where))
                for row in now:
                    self._in_shadow(_insert(SHADOW, table, row))
            else:
                self.unclear.add((table, key))
            return
        if not now:
            self._in_shadow(sql.SQL("delete from {} where {}").format(relation, where))
        elif not was:
            self._in_shadow(_insert(SHADOW, table, now[0]))
        else:
            changed = {name: v for name, v in now[0].items() if v != was[0][name]}
            self._in_shadow(
                sql.SQL("update {} set {} where {}").format(relation, _assign(changed, ", "), where)
            )

    def _has(self, table: str, key: tuple[str | None, ...]) -> bool:
        names = KEYS[table]
        return any(tuple(row[name] for name in names) == key for row in self._all(SHADOW, table))

    # --- what stands where --------------------------------------------------------------------

    def shown(self) -> Shown:
        """Return what the views show, by key."""
        found: Shown = {}
        for table in TABLES:
            names = KEYS.get(table, ("id",))
            found[table] = {}
            for row in self._all("public", table):
                found[table].setdefault(tuple(row[name] for name in names), []).append(row)
        return found

    def end(self) -> None:
        """Let the shadow do without the parents that the legacy tables do not have."""
        with self.conn.transaction():
            self._in_shadow(
                sql.SQL(
                    "update {0}.consents set user_id = null"
                    " where user_id not in (select id from {0}.customers)"
                ).format(sql.Identifier(SHADOW))
            )

    def held(self, schema: str) -> dict[str, Counter[tuple[str, ...]]]:
        """Return the rows of the legacy tables or of their shadow, those that are clear."""
        found = {}
        for table in TABLES:
            names = KEYS.get(table, ("id",))
            found[table] = Counter(
                tuple(f"{name}={value}" for name, value in row.items())
                for row in self._all(schema, table)
                if (table, tuple(row[name] for name in names)) not in self.unclear
            )
        return found

    def without_english_form(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the Spanish rows that were written and say what no English name can."""
        found = {}
        for table, condition in NO_ENGLISH_FORM.items():
            for key, row in self.conn.execute(
                f"select id::text, to_jsonb(t) from public.{table} as t where {condition}".encode()  # noqa: S608
            ):
                if (table, key) in self.written:
                    found[table, key] = row
        return found

    def spanish_rows(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return every row of the Spanish tables."""
        return {
            (table, key): row
            for table in TARGETS
            for key, row in self.conn.execute(
                f"select id::text, to_jsonb(t) from public.{table} as t".encode()  # noqa: S608
            )
        }

    def _all(
        self, schema: str, table: str, where: sql.Composable = _ALL
    ) -> Sequence[dict[str, str | None]]:
        columns = self.conn.execute(
            "select attname, atttypid = 'numeric'::regtype from pg_attribute"
            " where attrelid = %s::regclass and attnum > 0"
            " and not attisdropped order by attnum",
            [f"{schema}.{table}"],
        ).fetchall()
        with self.conn.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(
                sql.SQL("select {} from {} where {} order by 1").format(
                    sql.SQL(", ").join(
                        # 5 and 5.00 are one number.
                        sql.SQL(
                            "trim_scale({0})::text as {0}" if is_number else "{0}::text as {0}"
                        ).format(sql.Identifier(name))
                        for name, is_number in columns
                    ),
                    sql.Identifier(schema, table),
                    where,
                )
            ).fetchall()

    def _in_shadow(self, statement: sql.Composed) -> None:
        """Write to the shadow, without its trigger."""
        self.conn.execute("set local session_replication_role = replica")
        self.conn.execute(statement)
        self.conn.execute("set local session_replication_role = origin")

    def _row(
        self, values: dict[str, Callable[["Writer"], object]], *, part: bool = False
    ) -> Values:
        """Return values for all columns or for some; now and then a column is left out."""
        share = 0.35 if part else 0.9
        return {name: pick(self) for name, pick in values.items() if self.random.random() < share}


def _insert(schema: str, table: str, row: Values) -> sql.Composed:
    return sql.SQL("insert into {} ({}) values ({}) returning *").format(
        sql.Identifier(schema, table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Literal, row.values())),
    )


def _assign(row: Values, between: str) -> sql.Composed:
    return sql.SQL(between).join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in row.items()
    )


def differences(
    held: dict[str, Counter[tuple[str, ...]]], expected: dict[str, Counter[tuple[str, ...]]]
) -> dict[str, list[tuple[str, object, object]]]:
    """Return of each table the rows that differ: the key, what is there, what should be."""
    found: dict[str, list[tuple[str, object, object]]] = {}
    for table, rows in expected.items():
        theirs, mine = (
            {row[:1]: row for row in one - other}
            for one, other in ((held[table], rows), (rows, held[table]))
        )
        for key in {*theirs, *mine}:
            there, wanted = theirs.get(key, ()), mine.get(key, ())
            found.setdefault(table, []).append(
                (
                    key[0],
                    sorted({*there} - {*wanted}) if wanted else there,
                    sorted({*wanted} - {*there}) if there else wanted,
                )
            )
    return found
