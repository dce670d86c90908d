"""A door between the runner and the server that counts what passes, and shuts at a chosen moment.

It listens on a Unix socket and speaks PostgreSQL's protocol well enough to know where a message
ends, and where a transaction that wrote does. A Unix socket carries neither TLS nor GSS.
"""

import re
import select
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

SOCKET = ".s.PGSQL.5432"

# What is counted, each from 1. `before`: a transaction that wrote is about to be committed, and
# the server has not heard of it; `after`: the server has answered, and the client has not heard
# of it. `restore`: as `before`, in a scratch database. `copy`, `copyin`: a piece of
# a COPY, out of the database and into a scratch database. `inside`: a statement of a transaction
# that has written already. `message`: any message.
EVENTS = ("before", "after", "restore", "copy", "copyin", "inside", "message")

_STARTUP_CODES = {80877102, 80877103, 80877104}  # cancel, TLS, GSS: no session
_CHUNK = 1 << 16
_COMMENTS = re.compile(r"\A(?:\s|/\*.*?\*/|--[^\n]*\n)+", re.DOTALL)
_WRITES = re.compile(
    r"(insert|update|delete|create|drop|alter|truncate|comment|grant|revoke|do|merge|refresh)\b"
    r"|copy\b.*\bfrom\b|select\b.*\bsetval\(|with\b.*\b(insert\s+into|update\s+\S+\s+set|delete\s+from)\b",
    re.IGNORECASE | re.DOTALL,
)
_COMMITS = re.compile(r"(commit|end)\b", re.IGNORECASE)
_NODE = re.compile(r'"node_id": "([^"]+)"')
_LABEL = 60


@dataclass(eq=False)
class Link:
    """One session that passes through."""

    client: socket.socket
    server: socket.socket
    database: str = ""
    application: str = ""
    pid: int = 0
    status: str = "I"
    wrote: str = ""
    ending: str = ""
    statements: dict[str, str] = field(default_factory=dict)
    stalled: bool = False

    def close(self) -> None:
        """Cut both ways."""
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


Action = Callable[[Link], None]


@dataclass
class _Armed:
    event: str
    number: int
    action: Action
    of: str = ""


class Proxy:
    """Passes sessions on to the server whose socket lies in another folder.

    `arm` sets what happens at the nth event; the message of that event, and what follows it in
    its session, is not passed on: the session is cut.
    """

    def __init__(self, folder: Path, server: Path, scratch_prefix: str) -> None:
        self.folder = folder
        self.counts: Counter[str] = Counter()
        self.labels: list[str] = []
        self.fired: str | None = None
        self.touched = threading.Event()
        self._server = server
        self._scratch_prefix = scratch_prefix
        self._lock = threading.RLock()
        self._armed: _Armed | None = None
        self._links: set[Link] = set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / SOCKET))
        (folder / SOCKET).chmod(0o777)
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> None:
        """Count from the beginning again, with nothing armed."""
        with self._lock:
            self.counts.clear()
            self.labels = []
            self.fired = None
            self._armed = None
            self.touched.clear()

    def arm(self, event: str, number: int, action: Action, *, of: str = "") -> None:
        """Do something at the nth event from now on; or at the first whose label holds `of`."""
        self.reset()
        with self._lock:
            self._armed = _Armed(event, number, action, of)

    def disarm(self) -> None:
        """Let everything pass again."""
        with self._lock:
            self._armed = None

    def now(self, action: Action, label: str) -> None:
        """Do it to a session that is open now, if there is one, and cut that one."""
        with self._lock:
            self._armed = None
            links = sorted(self._links, key=lambda link: link.pid)
            if links and self.fired is None:
                self._fire(_Armed("", 0, action), links[-1], label)
                links[-1].close()

    def stall(self) -> None:
        """Let the sessions that are open now get no further, until the server ends them."""
        with self._lock:
            for link in self._links:
                link.stalled = True

    def cut_all(self) -> None:
        """Cut every session."""
        with self._lock:
            for link in self._links:
                link.close()

    def settle(self) -> None:
        """Wait until what was armed, and has begun, is over."""
        with self._lock:
            pass

    def sessions(self) -> int:
        """Return how many sessions are open."""
        with self._lock:
            return len(self._links)

    def stop(self) -> None:
        """Listen no more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut_all()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.touched.set()
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self._server / SOCKET))
            except OSError:
                client.close()
                continue
            link = Link(client, server)
            with self._lock:
                self._links.add(link)
            for work in (self._up, self._down):
                threading.Thread(target=self._carry, args=(link, work), daemon=True).start()

    def _carry(self, link: Link, work: Callable[[Link], None]) -> None:
        try:
            work(link)
        except (OSError, EOFError):
            pass
        finally:
            link.close()
            with self._lock:
                self._links.discard(link)

    def _up(self, link: Link) -> None:
        rest = _startup(link)
        for messages in _messages(link.client, rest):
            keep = bytearray()
            for kind, body in messages:
                if self._sent(link, kind, body):
                    link.server.sendall(keep)
                    return
                keep += kind + struct.pack("!I", len(body) + 4) + body
            self._wait(link)
            link.server.sendall(keep)

    def _down(self, link: Link) -> None:
        for messages in _messages(link.server, b""):
            keep = bytearray()
            for kind, body in messages:
                if self._answered(link, kind, body):
                    link.client.sendall(keep)
                    return
                keep += kind + struct.pack("!I", len(body) + 4) + body
            self._wait(link)
            link.client.sendall(keep)

    def _wait(self, link: Link) -> None:
        """Hold a stalled session's data back until the server has hung up."""
        if not link.stalled:
            return
        poll = select.poll()
        poll.register(link.server, 0)
        while not poll.poll(100):
            pass
        raise BrokenPipeError

    def _passed(self, link: Link, kind: bytes) -> bool:
        if self._happened("message", link, ""):
            return True
        if kind != b"d":
            return False
        event = "copyin" if link.database.startswith(self._scratch_prefix) else "copy"
        return self._happened(event, link, f"COPY of {link.database}")

    def _sent(self, link: Link, kind: bytes, body: bytes) -> bool:
        """Count a message of the client; whether the session ends here."""
        if self._passed(link, kind):
            return True
        text = _text(link, kind, body)
        if text is None:
            return False
        bare = " ".join(_COMMENTS.sub("", text).split())[:_LABEL]
        if link.wrote and self._happened("inside", link, bare):
            return True
        return self._ends(link, text)

    def _ends(self, link: Link, text: str) -> bool:
        """Count a statement that ends a transaction that wrote; whether the session ends here."""
        node = _NODE.search(text)
        bare = _COMMENTS.sub("", text)
        label = node[1] if node else " ".join(bare.split())[:_LABEL]
        if _COMMITS.match(bare):
            if not link.wrote:
                return False
            link.ending = f"commit of {link.wrote}"
        elif not _WRITES.match(bare):
            return False
        elif link.status == "I":
            link.ending = label
        else:
            link.wrote = link.wrote or label
            return False
        if link.database.startswith(self._scratch_prefix):
            return self._happened("restore", link, link.ending)
        return self._happened("before", link, link.ending)

    def _answered(self, link: Link, kind: bytes, body: bytes) -> bool:
        """Count a message of the server; whether the session ends here."""
        if self._passed(link, kind):
            return True
        if kind == b"K":
            (link.pid,) = struct.unpack_from("!I", body)
        if kind == b"Z":
            link.status = body.decode()
            if link.status == "I":
                link.wrote = ""
            ending, link.ending = link.ending, ""
            if ending and not link.database.startswith(self._scratch_prefix):
                return self._happened("after", link, ending)
        return False

    def _happened(self, event: str, link: Link, label: str) -> bool:
        with self._lock:
            self.counts[event] += 1
            if event == "before":
                self.labels.append(label)
            armed = self._armed
            if armed is None or armed.event != event:
                return False
            if armed.of not in label if armed.of else armed.number != self.counts[event]:
                return False
            self._armed = None
            self._fire(armed, link, label)
            return True

    def _fire(self, armed: _Armed, link: Link, label: str) -> None:
        self.fired = label or link.application or link.database
        armed.action(link)


def _startup(link: Link) -> bytes:
    """Pass the first message on and read the session's name from it; return what came after."""
    data = b""
    while len(data) < 8 or len(data) < struct.unpack_from("!I", data)[0]:
        data += _received(link.client)
    length, code = struct.unpack_from("!II", data)
    if code not in _STARTUP_CODES:
        words = data[8:length].rstrip(b"\0").split(b"\0")
        given = dict(zip(words[::2], words[1::2], strict=False))
        link.database = given.get(b"database", b"").decode()
        link.application = given.get(b"application_name", b"").decode()
    link.server.sendall(data[:length])
    return data[length:]


def _messages(source: socket.socket, data: bytes) -> Iterator[list[tuple[bytes, bytes]]]:
    """Yield the whole messages that have come, as often as some have."""
    while True:
        found, at = [], 0
        while len(data) - at >= 5:
            (length,) = struct.unpack_from("!I", data, at + 1)
            if len(data) - at < length + 1:
                break
            found.append((data[at : at + 1], data[at + 5 : at + 1 + length]))
            at += length + 1
        data = data[at:]
        if found:
            yield found
        try:
            data += _received(source)
        except EOFError:
            return


def _received(source: socket.socket) -> bytes:
    data = source.recv(_CHUNK)
    if not data:
        raise EOFError
    return data


def _text(link: Link, kind: bytes, body: bytes) -> str | None:
    """Return the statement that is about to be executed; None for other messages."""
    if kind == b"Q":
        return body.rstrip(b"\0").decode(errors="replace")
    if kind == b"P":
        name, statement = body.split(b"\0", 2)[:2]
        link.statements[name.decode()] = statement.decode(errors="replace")
    if kind == b"B":
        return link.statements.get(body.split(b"\0", 2)[1].decode())
    return None


def wait_for(question: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until it is so; raises AssertionError."""
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            raise AssertionError(f"not after {seconds:g} s: {what}")
        time.sleep(0.02)
