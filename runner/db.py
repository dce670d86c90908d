"""Connections to PostgreSQL: the same session everywhere, errors with their fix, checksums."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

import psycopg
from psycopg import sql

from runner.errors import Locked, StepFailed, TraspasoError, Unreachable
from runner.settings import parse_url, redact, redacted

DEFAULT_LOCK_TIMEOUT_MS = 5_000

# The session: what decides the text form of a value is pinned, so that a checksum does not
# depend on who asks; nothing the role or the database sets may end a long statement or an idle
# lock holder; the server notices within seconds that a killed runner is gone.
SESSION: dict[str, str] = {
    "application_name": "traspaso",
    "search_path": "",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmlbinary": "base64",
    "lc_monetary": "C",
    "row_security": "off",
    # The planner prices the rare path of a telephone number for every row: it would compile.
    "jit": "off",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
    "client_connection_check_interval": "2s",
}


@dataclass(frozen=True)
class Checksum:
    """Rows of a table, and the sum of the hashes of all rows as text: free of their order."""

    rows: int
    checksum: str


def connect(
    url: str,
    *,
    autocommit: bool = False,
    lock_timeout_ms: int = DEFAULT_LOCK_TIMEOUT_MS,
    read_only: bool = False,
    application_name: str | None = None,
) -> psycopg.Connection:
    """Open a connection with the settings of `SESSION`; names must be qualified on it.

    Raises Unreachable with one line and a fix.
    """
    given = parse_url(url)
    defaults = {"connect_timeout": "10", "keepalives_idle": "30", "client_encoding": "utf8"}
    try:
        conn = psycopg.connect(
            url,
            autocommit=True,
            **{key: value for key, value in defaults.items() if key not in given},  # type: ignore[arg-type]
        )
    except psycopg.OperationalError as error:
        raise _unreachable(error, url) from None
    session = SESSION | {"lock_timeout": f"{lock_timeout_ms}ms"}
    if application_name is not None:
        session["application_name"] = application_name
    if read_only:
        session["default_transaction_read_only"] = "on"
    try:
        conn.execute(
            sql_text("session.sql"), {"names": list(session), "values": list(session.values())}
        )
    except psycopg.Error as error:
        conn.close()
        raise explain(error, url) from None
    conn.autocommit = autocommit
    return conn


@cache
def sql_text(name: str) -> sql.SQL:
    """Read a packaged SQL file, ready for `execute`; e.g. `sql_text('state.sql')`."""
    text = resources.files("runner").joinpath("sql", name).read_text(encoding="utf-8")
    return sql.SQL(text)


def server_major(conn: psycopg.Connection) -> int:
    """Return the server's major version, e.g. 15."""
    return conn.info.server_version // 10_000


def server_version(conn: psycopg.Connection) -> str:
    """Return the server's version in its own words, e.g. `15.18 (Debian 15.18-0+deb12u1)`."""
    return conn.info.parameter_status("server_version") or str(conn.info.server_version)


def table_checksum(conn: psycopg.Connection, schema: str, table: str) -> Checksum:
    """Rows and order-free checksum of one table or view, as seen by the current snapshot.

    The whole row is hashed as text, hence the same on every server and in every session that
    `connect` made.
    """
    return _checksum(conn, "table_checksum.sql", schema, table)


def row_hashes(conn: psycopg.Connection, schema: str, table: str) -> Checksum:
    """Rows and order-free sum of PostgreSQL's own hashes of them, in half the time.

    For tables whose numbers have a declared scale, and without JSON: of others two that are equal
    hash alike though they are written otherwise.
    """
    return _checksum(conn, "row_hashes.sql", schema, table)


def _checksum(conn: psycopg.Connection, statement: str, schema: str, table: str) -> Checksum:
    query = sql_text(statement).format(relation=sql.Identifier(schema, table))
    row = conn.execute(query).fetchone()
    if row is None:
        message = f"no checksum for {schema}.{table}"
        raise StepFailed(message, "say the command again", table=table)
    return Checksum(rows=row[0], checksum=row[1])


def checksums(
    conn: psycopg.Connection, tables: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Checksum]:
    """`table_checksum` of each (schema, table)."""
    return {(schema, table): table_checksum(conn, schema, table) for schema, table in tables}


def explain(error: psycopg.Error, *urls: str | None) -> TraspasoError:
    """Say what a database error means to the operator: its kind, one line, a fix.

    The passwords of the URLs are hidden in it.
    """
    diag = error.diag
    detail = redact(_first_line(diag.message_primary or str(error)), *urls)
    for kind, outcome, what, fix in _ERRORS:
        if isinstance(error, kind):
            return outcome(f"{what}: {detail}", fix, table=diag.table_name)
    if _is_connection_loss(error):
        return Unreachable(
            f"the connection was lost: {detail}",
            "when the server is back, say the same command again: it continues",
        )
    return StepFailed(
        detail,
        "nothing of this step was kept; correct it and say the command again",
        table=diag.table_name,
        column=diag.column_name,
    )


def _is_connection_loss(error: psycopg.Error) -> bool:
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError)
    return state.startswith(("08", "57P"))


FIX_LOCKED = "say the same command again when that transaction has ended"
_FIX_TOO_MANY = "close idle sessions, or raise max_connections or the pooler's limit"

_ERRORS: tuple[
    tuple[type[psycopg.Error], type[StepFailed | Locked | Unreachable], str, str], ...
] = (
    (
        psycopg.errors.InsufficientPrivilege,
        Unreachable,
        "the role lacks a privilege",
        "connect as the owner of the tables, or grant it: `traspaso doctor` lists all that lack",
    ),
    (
        psycopg.errors.LockNotAvailable,
        Locked,
        "somebody holds a lock for longer than lock_timeout",
        FIX_LOCKED,
    ),
    (
        psycopg.errors.DeadlockDetected,
        Locked,
        "two sessions waited for each other's locks",
        FIX_LOCKED,
    ),
    (
        psycopg.errors.DiskFull,
        StepFailed,
        "the server's disk is full",
        "free space there, then say the same command again",
    ),
    (
        psycopg.errors.TooManyConnections,
        Unreachable,
        "the server takes no more connections",
        _FIX_TOO_MANY,
    ),
    (
        psycopg.errors.ReadOnlySqlTransaction,
        Unreachable,
        "the database is read-only",
        "connect to the primary, not to a replica",
    ),
)

# The server sends no SQLSTATE that libpq would hand out while connecting: its words remain, in
# the language of its lc_messages (English and Spanish are known), then libpq's own.
_CONNECT_ERRORS: tuple[tuple[str, str, str], ...] = (
    (
        r"password authentication failed|autentificación.* password falló|no password supplied",
        "wrong user or password",
        "check user and password in the URL; percent-encode special characters of the password",
    ),
    (
        r"database \S+ does not exist|no existe la base de datos",
        "the database does not exist",
        "check the name after the last / of the URL, or create it",
    ),
    (
        r"role \S+ does not exist|no existe el rol",
        "the user does not exist",
        "check the user in the URL",
    ),
    (
        r"too many (clients|connections)|connection slots|max client connections|demasiad[ao]s",
        "the server takes no more connections",
        _FIX_TOO_MANY,
    ),
    (
        r"no pg_hba\.conf entry|no hay una línea en pg_hba",
        "the server does not let this user in from here",
        "allow this address in pg_hba.conf or the network rules, or add sslmode=require",
    ),
    (
        r"\bSSL\b|\bcertificate\b|sslmode|sslrootcert",
        "no trusted TLS connection",
        "check sslmode and sslrootcert in the URL",
    ),
    (
        r"(starting up|shutting down|in recovery mode|not yet accepting)",
        "the server is starting or stopping",
        "wait some seconds, then say the same command again",
    ),
    (
        r"resolve host|could not translate host name",
        "the host name is unknown",
        "check the host in the URL and the network",
    ),
    (
        r"timeout expired|timed out",
        "no answer from the server",
        "check host, port, firewall and network",
    ),
    (
        r"Connection refused|No such file or directory|No route to host|unreachable",
        "nothing listens there",
        "start the server, or check host and port in the URL",
    ),
)


def _unreachable(error: psycopg.OperationalError, url: str) -> Unreachable:
    text = redact(str(error), url)
    for pattern, what, fix in _CONNECT_ERRORS:
        if re.search(pattern, text, re.IGNORECASE):
            return Unreachable(f"cannot use {redacted(url)}: {what}", fix)
    return Unreachable(
        f"cannot use {redacted(url)}: {_first_line(text)}", "check the URL and the server"
    )


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "unknown error")
