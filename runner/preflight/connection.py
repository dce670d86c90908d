"""How the server is reached: by which pooler, and whether anybody on the way can listen."""

import ipaddress
import select
from collections.abc import Mapping

import psycopg

from runner.errors import TraspasoError
from runner.preflight.look import Look, Problem, Problems
from runner.settings import refuse_transaction_pooler

_PROBE_SECONDS = 3
_POOLER_FIX = "use the direct connection, or a pooler in session mode"


# --- poolers ------------------------------------------------------------------------------------


def pooler(look: Look) -> Problems:
    """Find a pooler that hands out another session for each transaction."""
    try:
        refuse_transaction_pooler(look.settings.require_target())
    except TraspasoError as error:
        yield Problem(error.message, error.fix)
        return
    if look.shares_sessions:
        yield Problem(
            "there is a pooler in transaction mode before the server: it keeps neither locks nor "
            "snapshots",
            _POOLER_FIX,
        )


def shares_sessions(conn: psycopg.Connection, url: str) -> bool:
    """Whether a pooler gives one server process to several connections; asked outside transactions.

    A pooler invents the process id that a connection is told at its start. Only where that differs
    from the server's own a second connection is opened: in session mode no two connections are
    ever served by the same process, and none changes it.
    """
    first = _process(conn)
    if first == conn.info.backend_pid:
        return False
    second = _process_of_another(url)
    return _process(conn) != first or second == first


def _process(conn: psycopg.Connection) -> int:
    row = conn.execute("select pg_catalog.pg_backend_pid()").fetchone()
    return int(row[0]) if row else 0


def _process_of_another(url: str) -> int | None:
    """Return the server process of a new connection; None where there is none to be had soon."""
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=_PROBE_SECONDS) as other:
            # A pooler that has no more servers lets a query wait for minutes.
            raw = other.pgconn
            raw.send_query(b"select pg_catalog.pg_backend_pid()")
            raw.flush()
            while raw.is_busy():
                if not select.select([raw.socket], [], [], _PROBE_SECONDS)[0]:
                    return None
                raw.consume_input()
            result = raw.get_result()
            raw.get_result()  # none: the connection is free again
            value = result.get_value(0, 0) if result and result.ntuples else None
            return int(value) if value else None
    except psycopg.Error:
        return None


# --- TLS ----------------------------------------------------------------------------------------


def tls(look: Look) -> Problems:
    """Find a connection over the network that does not check who answers."""
    parameters = _parameters(look.conn)
    exposed = exposed_hosts(parameters)
    if exposed and look.plan.without_tls_because is None:
        yield Problem(
            f"{', '.join(exposed)} is reached over the network with "
            f"sslmode={parameters.get('sslmode') or 'prefer'}: others on the way can read and "
            "change what is sent",
            "add ?sslmode=verify-full&sslrootcert=ca.crt to TRASPASO_TARGET_URL (ca.crt: the "
            "certificate of the server's authority), or give the reason as without_tls_because "
            f"in plans/{look.plan.system}.yml",
        )


def protection(look: Look) -> str:
    """Say what protects the connection, or why nothing does."""
    parameters = _parameters(look.conn)
    if exposed_hosts(parameters):
        return f"not verified: {look.plan.without_tls_because}"
    if not network_hosts(parameters):
        return "not needed: the server is on this machine"
    return "sslmode=verify-full"


def is_local(conn: psycopg.Connection) -> bool:
    """Whether the connection goes by a local socket or loopback."""
    return not network_hosts(_parameters(conn))


def exposed_hosts(parameters: Mapping[str, str]) -> list[str]:
    """Return the hosts that are reached over the network without a verified certificate.

    `parameters` are libpq's, the environment and service files included.
    """
    return [] if parameters.get("sslmode") == "verify-full" else network_hosts(parameters)


def network_hosts(parameters: Mapping[str, str]) -> list[str]:
    """Return the hosts that are neither a local socket nor loopback, each as it was given."""
    # Where both are given the address is what is connected to, and the host what is verified.
    names = parameters.get("host", "").split(",")
    addresses = parameters.get("hostaddr", "").split(",")
    count = max(len(names), len(addresses))
    names += [""] * (count - len(names))
    addresses += [""] * (count - len(addresses))
    return [
        address or name
        for name, address in zip(names, addresses, strict=True)
        if not _is_on_this_machine(address or name)
    ]


def _is_on_this_machine(host: str) -> bool:
    # Empty is libpq's default, a socket; @ is one without a file.
    if not host or host.startswith(("/", "@")):
        return True
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _parameters(conn: psycopg.Connection) -> dict[str, str]:
    """Return what libpq made of the URL, the environment and the service file."""
    options = conn.pgconn.info
    return {o.keyword.decode(): o.val.decode() for o in options if o.val is not None}
