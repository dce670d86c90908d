"""What an application writes around the switch, so that there is something to bring."""

import psycopg

# On the legacy tables, before the switch.
_LEGACY = (
    "update messages set content = content || ' (editado)' where id in (select id from messages order by id limit 9)",
    "delete from messages where id in (select id from messages order by id desc limit 4)",
    "insert into messages (phone, message_type, content, processing_status)"
    " select '09912345' || (10 + n), 'text', 'tarde ' || n, 'pending' from generate_series(1, 6) as n",
    "insert into users (phone_number, name, user_type, status, city)"
    " select '09812345' || (10 + n), 'Tarde ' || n, case when n < 4 then 'provider' else 'client' end, 'active', 'Loja'"
    " from generate_series(1, 6) as n",
    "update users set city = 'Zaruma' where id in (select id from users order by id limit 7)",
    "delete from users where id in (select provider_id from provider_services order by 1 limit 1)",
    "update customers set full_name = 'Cambiada' where id in (select id from customers order by id limit 5)",
    "insert into customers (phone_number, full_name, has_consent) values ('0961234599', 'Nueva', true)",
    "update sessions set status = 'expired' where id in (select id from sessions order by id limit 3)",
    "update task_queue set priority = 7, status = 'completed' where id in (select id from task_queue order by id limit 4)",
    "delete from provider_professions where profession_id = (select min(profession_id) from provider_professions)",
    "insert into professions (name, category) values ('Vulcanizador', 'hogar')",
)  # fmt: skip

# After it, under the English names, which are the views'.
_VIEWS = (
    "update messages set content = content || ' (por la vista)' where id in (select id from messages where phone is not null order by id limit 8)",
    "delete from messages where id in (select id from messages order by id desc limit 3)",
    "insert into messages (phone, message_type, content, processing_status, is_bot)"
    " select '+5939912346' || (10 + n), 'text', 'vista ' || n, 'pending', n % 2 = 0 from generate_series(1, 5) as n",
    "insert into users (phone_number, name, user_type, status, city)"
    " select '+5939812346' || (10 + n), 'Vista ' || n, 'provider', 'active', 'Macas' from generate_series(1, 5) as n",
    "update users set city = 'Puyo' where id in (select id from users where user_type = 'provider' order by id limit 6)",
    "delete from users where id in (select provider_id from provider_services order by 1 limit 1)",
    "update customers set notes = notes || '{\"vista\": [1]}' where id in (select id from customers order by id limit 4)",
    "insert into customers (phone_number, full_name, has_consent) values ('+593961234588', 'Por la vista', true)",
    "update sessions set status = 'inactive' where id in (select id from sessions order by id limit 2)",
    "insert into task_queue (task_type, payload, scheduled_at, priority) values ('reminder', '{}', now(), 3)",
    "update provider_services set price = 12.5 where id in (select id from provider_services order by id limit 3)",
    "insert into professions (name, category) values ('Relojera', 'hogar')",
)  # fmt: skip

_SPANISH = (
    "insert into proveedores (telefono, nombre, estado, ciudad) values ('+593981239900', 'En español', 'activo', 'Ibarra')",
    "insert into servicios_proveedor (proveedor_id, titulo, precio, tipo_precio)"
    " select id, 'Soldar', 8, 'fijo' from proveedores order by id limit 2",
    "update clientes set ciudad = 'Tulcán' where id in (select id from clientes order by id desc limit 5)",
    "insert into mensajes (telefono, tipo_mensaje, contenido) select '+59399123470' || n, 'texto', 'en español' from generate_series(1, 3) as n",
    "update mensajes set estado_procesamiento = 'error' where id in (select id from mensajes order by id limit 4)",
    "delete from tareas_programadas where id in (select id from tareas_programadas order by id desc limit 2)",
    "update profesiones set esta_activo = false where id = (select min(id) from profesiones)",
)  # fmt: skip


def before_the_switch(url: str) -> None:
    """Insert, update and delete rows of the legacy tables."""
    _say(url, _LEGACY)


def after_the_switch(url: str) -> None:
    """Insert, update and delete rows under the English names and under the Spanish ones."""
    _say(url, (*_VIEWS, *_SPANISH))


def _say(url: str, statements: tuple[str, ...]) -> None:
    with psycopg.connect(url, autocommit=True, application_name="application") as conn:
        conn.execute("set search_path to public")
        for statement in statements:
            conn.execute(statement.encode())
