"""Who is told how the phases go: commands and webhooks that the plan names.

A hook never fails a phase, and never holds it up for longer than its own timeout.
"""

import getpass
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict, Unpack
from urllib.parse import urlsplit

import psutil

from runner import __version__
from runner.console import Console
from runner.errors import TraspasoError
from runner.plan import Notification, Plan
from runner.settings import Settings, parse_url, redact, redacted

Event = Literal["start", "end", "failure", "refusal", "rollback"]

_REAPING_SECONDS = 1
_LONG_SECRET = 6
_LONGEST_TEXT = 10_000
_HTTP_OK = range(200, 300)
_SECRET_NAMES = re.compile(
    r"TRASPASO_\w*(URL|KEY|SECRET|PASSWORD|TOKEN)"
    r"|PGPASSWORD|PGPASSFILE|PGOAUTHCLIENTSECRET"
    r"|AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN"
    r"|CONTAINER_AUTHORIZATION_TOKEN)"
    r"|DBT_ENV_SECRET_?\w*"
)
_NEVER_DROPPED = frozenset({"PATH", "HOME"})


class Summary(TypedDict, total=False):
    """What the engine says of an event; what it does not say is null."""

    phase: int | None
    name: str | None
    status: str
    run_id: str | None
    started_at: datetime
    finished_at: datetime
    rows: int
    message: str
    fix: str
    next: str


class _Hook(Protocol):
    """A hook that was started."""

    def complaint(self, deadline: float) -> str | None:
        """Wait until it ends or the deadline (time.monotonic) comes; say what was wrong."""


@dataclass(frozen=True)
class Notifier:
    """Tells the hooks of a plan."""

    plan: Plan
    settings: Settings
    console: Console

    def tell(self, event: Event, **summary: Unpack[Summary]) -> list[str]:
        """Tell all hooks of an event at once, and return what was wrong with them, a line each.

        The lines go to stderr too. Raises nothing.
        """
        wanted = [each for each in self.plan.notifications if event in each.events]
        if not wanted:
            return []
        try:
            complaints = self._complaints(event, wanted, self._document(event, summary))
        # Whatever is wrong with a hook or with us, the phase must not suffer.
        except Exception as error:  # noqa: BLE001
            complaints = [f"nobody was told of the {event}: {type(error).__name__}"]
        urls = (self.settings.target_url, self.settings.legacy_url)
        complaints = [redact(" ".join(each.split()), *urls) for each in complaints]
        for complaint in complaints:
            self.console.log(complaint)
        return complaints

    def _complaints(self, event: Event, wanted: list[Notification], document: bytes) -> list[str]:
        began = time.monotonic()
        environ = clean_environment(os.environ, self.plan, self.settings)
        started: list[tuple[Notification, _Hook]] = []
        complaints = []
        for each in wanted:
            try:
                started.append((each, _start(each, document, environ)))
            except _NotStarted as reason:
                complaints.append(f"{_shown(each)} was not told of the {event}: {reason}")
        try:
            for each, hook in started:
                problem = hook.complaint(began + each.timeout_seconds)
                if problem is not None:
                    complaints.append(f"{_shown(each)} was not told of the {event}: {problem}")
        finally:
            # Interrupted: none is left behind.
            for _, hook in started:
                hook.complaint(0)
        return complaints

    def _document(self, event: Event, summary: Summary) -> bytes:
        said: dict[str, Any] = dict(summary)
        urls = (self.settings.target_url, self.settings.legacy_url)
        for key in ("message", "fix"):
            if said.get(key):
                said[key] = redact(said[key], *urls)[:_LONGEST_TEXT]
        started, finished = said.get("started_at"), said.get("finished_at")
        document = {
            "event": event,
            "system": self.plan.system,
            "title": self.plan.title,
            "phase": said.get("phase"),
            "name": said.get("name"),
            "status": said.get("status"),
            "run_id": said.get("run_id"),
            "operator": _operator(),
            "host": socket.gethostname(),
            "database": _database(self.settings),
            "started_at": started.isoformat() if started else None,
            "finished_at": finished.isoformat() if finished else None,
            "seconds": round((finished - started).total_seconds(), 3)
            if started and finished
            else None,
            "rows": said.get("rows"),
            "message": said.get("message"),
            "fix": said.get("fix"),
            "next": said.get("next"),
            "version": __version__,
        }
        return json.dumps(document, ensure_ascii=False).encode()


def _operator() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in some containers
        return None


def _database(settings: Settings) -> str | None:
    try:
        return redacted(settings.target_url) if settings.target_url else None
    except TraspasoError:
        return None


# --- secrets ------------------------------------------------------------------------------------


def clean_environment(environ: Mapping[str, str], plan: Plan, settings: Settings) -> dict[str, str]:
    """Return the environment for a command: without keys, passwords and URLs that hold them."""
    webhooks = {each.webhook_env for each in plan.notifications}
    secrets = [*_passwords(settings)]
    urls = {settings.target_url, settings.legacy_url}

    def is_secret(name: str, value: str) -> bool:
        return (
            _SECRET_NAMES.fullmatch(name) is not None
            or name in webhooks
            or value in urls
            or any(value == s or (len(s) >= _LONG_SECRET and s in value) for s in secrets)
        )

    return {
        name: value
        for name, value in environ.items()
        if name in _NEVER_DROPPED or not is_secret(name, value)
    }


def _passwords(settings: Settings) -> list[str]:
    urls = (settings.target_url, settings.legacy_url)
    found = [
        parse_url(url).get("password")
        for url in urls
        if url is not None and not url.startswith("duckdb:///")
    ]
    return [each for each in [settings.backup_key, *found] if each]


def _shown(hook: Notification) -> str:
    """Name a hook without its arguments or its URL's path, which may be secret."""
    if hook.command is not None:
        return f"the command {hook.command[0]}"
    if hook.webhook_env is not None:
        return f"the webhook of {hook.webhook_env}"
    return f"the webhook {_place(hook.webhook or '')}"


def _place(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "of the plan"
    return f"{parts.scheme}://{parts.hostname}"


# --- hooks --------------------------------------------------------------------------------------


class _NotStarted(Exception):  # noqa: N818  # an outcome, caught where hooks are started
    """Why a hook could not even be started."""


def _start(hook: Notification, document: bytes, environ: Mapping[str, str]) -> _Hook:
    if hook.command is not None:
        return _Command(hook.command, document, environ)
    url = hook.webhook
    if hook.webhook_env is not None:
        url = os.environ.get(hook.webhook_env, "").strip()
        if not url:
            raise _NotStarted("the variable is not set")
    if not url or not url.lower().startswith(("http://", "https://")):
        raise _NotStarted("it is no URL of the web")
    return _Webhook(url, document, hook.timeout_seconds)


class _Command:
    """A program that runs, in a process group of its own."""

    def __init__(
        self, command: tuple[str, ...], document: bytes, environ: Mapping[str, str]
    ) -> None:
        self._started = time.monotonic()
        # A file for what it reads, nothing for what it says: a pipe could fill up, or be held open.
        with tempfile.TemporaryFile() as file:
            file.write(document)
            file.seek(0)
            try:
                self._process = subprocess.Popen(
                    list(command),
                    stdin=file,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=dict(environ),
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or "it cannot be started"
                raise _NotStarted(reason) from None

    def complaint(self, deadline: float) -> str | None:
        """Wait for its end; at the deadline it is killed with all it started."""
        try:
            code = self._process.wait(max(deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            self._kill()
            return f"it was ended after {time.monotonic() - self._started:.0f} s"
        if code == 0:
            return None
        return f"exit code {code}" if code > 0 else f"it was ended by signal {-code}"

    def _kill(self) -> None:
        pid = self._process.pid
        with suppress(psutil.Error):
            # Those too that left its group.
            for child in psutil.Process(pid).children(recursive=True):
                with suppress(psutil.Error):
                    child.kill()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_REAPING_SECONDS)


class _Webhook:
    """A POST on its way, in a thread: a name that does not resolve knows no timeout."""

    def __init__(self, url: str, document: bytes, timeout: float) -> None:
        self._url, self._document, self._timeout = url, document, timeout
        self._started = time.monotonic()
        self._problem: str | None = None
        self._thread = threading.Thread(target=self._post, daemon=True)
        self._thread.start()

    def complaint(self, deadline: float) -> str | None:
        """Wait for its end; at the deadline it is left alone."""
        self._thread.join(max(deadline - time.monotonic(), 0))
        if self._thread.is_alive():
            return f"no answer within {time.monotonic() - self._started:.0f} s"
        return self._problem

    def _post(self) -> None:
        import requests  # slow to import, and only needed for webhooks

        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": f"traspaso/{__version__}",
        }
        try:
            # Not redirected: the summary goes where the plan says. What is answered is not read.
            with requests.post(
                self._url, data=self._document, headers=headers, timeout=self._timeout,
                allow_redirects=False, stream=True,
            ) as answer:  # fmt: skip
                if answer.status_code not in _HTTP_OK:
                    self._problem = f"HTTP {answer.status_code}"
        # The words of these hold the whole URL: only their kind is told.
        except requests.exceptions.SSLError:
            self._problem = "no trusted TLS connection"
        except requests.exceptions.Timeout:
            self._problem = f"no answer within {self._timeout:g} s"
        except requests.exceptions.ConnectionError:
            self._problem = "it cannot be reached"
        except (requests.exceptions.RequestException, ValueError) as error:
            self._problem = f"the request failed: {type(error).__name__}"
