"""One trial: a phase is killed, says that it was, and is continued and, in a copy, undone."""

import os
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import duckdb
import psycopg
from psycopg import sql

from runner.backup import SCRATCH_PREFIX
from runner.db import connect, sql_text
from runner.errors import TraspasoError
from runner.fluxion_sample import create_fluxion
from runner.sample import create_legacy
from runner.server import PgServer
from runner.tests.conftest import UNUSUAL_SESSION
from runner.tests.faults.command import Running, say, start
from runner.tests.faults.picture import (
    FLUXION,
    TINKUBOT,
    Differences,
    Picture,
    leftovers,
    shape,
    take,
)
from runner.tests.faults.proxy import Link, Proxy, wait_for
from runner.tests.functional.helpers.tinkubot_cases import Answer

PHASES = range(4)
# The switch, the way back from it, and the phases before it by one command.
SWITCH, BACK, THROUGH = 4, 5, 6
# What a file that has changed since its load brings.
DELTA = 7
STAGES = {
    TINKUBOT: (*PHASES, SWITCH, BACK, THROUGH),
    FLUXION: (*PHASES, THROUGH, DELTA),
}
NAMES = (
    "0 prepare", "1 create", "2 masters", "3 transactions", "4 switch", "back to 3", "0 to 3",
    "delta",
)  # fmt: skip

# runner: the process alone, what it started lives on; orphans: the same, and what it started
# gets no further; group: with what it started; backend: the server process of the session, after
# which the postmaster ends all others; session: it is terminated as by an administrator.
VICTIMS = ("runner", "orphans", "group", "backend", "session", "server", "connection")

_DATABASE = "legado"
_FATES = "traspaso.row_fates"
_COPY = "rama"
_ENDING_SECONDS = 20.0
_MESSAGES = 120
# Of Fluxion: lines of invoices, and rows of a range.
_LINES, _RANGE = 900, 300
# Changed, new and gone rows: of a master, of parents and children, and of what was refused.
_CHANGES = (
    "update productos set marca = 'otra' where rowid % 5 = 0",
    "update stock_actual set cantidad = cantidad + 1 where rowid % 3 = 0",
    "delete from movimientos_inventario where rowid % 9 = 0",
    """insert into facturas
    select * replace (id || 'n' as id, numero_factura || 'n' as numero_factura)
    from facturas where rowid % 4 = 0""",
    """insert into items_facturas
    select * replace (id || 'n' as id, factura_id || 'n' as factura_id)
    from items_facturas where rowid % 6 = 0""",
    "delete from facturas where rowid % 31 = 0",
)

# PostgreSQL writes a page by more than one copy of memory: a killed server may leave half of one.
_SERVER = {"full_page_writes": "on", "synchronous_commit": "on"}


@dataclass(frozen=True)
class Kill:
    """When, and what: the nth event of a kind that the proxy counts, or n milliseconds."""

    event: str
    number: int
    victim: str

    def __str__(self) -> str:
        return f"{self.event}.{self.number}.{self.victim}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` writes."""
        event, number, victim = text.split(".")
        return cls(event, int(number), victim)


@dataclass(frozen=True)
class Trial:
    """A phase of a certain legacy, and the kills on the way: each run after one is killed too."""

    seed: int
    phase: int
    kills: tuple[Kill, ...]

    def __str__(self) -> str:
        return "/".join([str(self.seed), str(self.phase), *map(str, self.kills)])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` writes."""
        seed, phase, *kills = text.split("/")
        return cls(int(seed), int(phase), tuple(map(Kill.parse, kills)))


@dataclass
class Outcome:
    """What became of a trial; `faults` is empty where all is well."""

    trial: Trial
    killed: list[tuple[Kill, str]] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    # Of a switch and of the way back: whether the kill found the old state or the new one.
    sides: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    rolled_back: int = 0
    lost: int = 0
    doubled: int = 0
    faults: list[str] = field(default_factory=list)
    seconds: float = 0

    def compare(self, what: str, found: Differences) -> None:
        """Count what differs."""
        self.lost += found.lost
        self.doubled += found.doubled
        self.faults += [f"{what}: {name}" for name in found.named]


class FaultError(AssertionError):
    """Something is not as it must be."""


class Site:
    """A server, the door to it, and the database as it is before each phase.

    Of Fluxion, whose legacy is a file, the phases before the switch: there a switch moves nothing.
    """

    def __init__(self, bin_dir: Path, *, system: str = TINKUBOT) -> None:
        self.system = system
        self.switches = system == TINKUBOT
        self.folder = Path(tempfile.mkdtemp(prefix="traspaso-faults-"))
        self.folder.chmod(0o755)
        self.server = PgServer(bin_dir, self.folder / "pg", settings={**UNUSUAL_SESSION, **_SERVER})
        self.backups = self.folder / "backups"
        self.temporary = self.folder / "tmp"
        # Of Fluxion: the file that is loaded, before it changes and afterwards.
        self.files = {name: self.folder / f"{name}.duckdb" for name in ("found", "changed")}
        self.file = self.files["found"]
        self.door = self.folder / "door"
        self.seed: int | None = None
        self.counts: dict[int, Counter[str]] = {}
        self.labels: dict[int, list[str]] = {}
        self.seconds: dict[int, float] = {}
        # Before each stage and after it, undisturbed.
        self.started: dict[int, Picture] = {}
        self.ended: dict[int, Picture] = {}
        # What `rollback --to 0` leaves of what a stage began with.
        self.origins: dict[int, Picture] = {}
        self.shapes: dict[str, dict[str, str]] = {}
        # What has no English form, and is kept in row_fates when all is undone.
        self.kept: dict[int, Counter[tuple[str, str]]] = {}
        self.proofs: dict[int, Answer] = {}

    def __enter__(self) -> Self:
        for folder in (self.temporary, self.door):
            folder.mkdir()
        self.server.start()
        self.proxy = Proxy(self.door, self.server.directory, SCRATCH_PREFIX)
        return self

    def __exit__(self, *_: object) -> None:
        self.proxy.stop()
        self.server.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- commands ---------------------------------------------------------------------------------

    def environment(self, database: str = _DATABASE, *, direct: bool = False) -> dict[str, str]:
        """Return the variables of a command on a database, through the door unless `direct`."""
        url = f"postgresql://postgres@/{database}?host={quote(str(self.door), safe='')}"
        return {
            "TRASPASO_TARGET_URL": self.server.url(database) if direct else url,
            "TRASPASO_BACKUP_DIR": str(self.backups),
            "TMPDIR": str(self.temporary),
        } | self._file_environment()

    def _file_environment(self) -> dict[str, str]:
        if self.system != FLUXION:
            return {}
        return {
            "TRASPASO_LEGACY_URL": f"duckdb:///{self.file}",
            "TRASPASO_LEGACY_SCHEMA": "main",
            "TRASPASO_BATCH_ROWS": str(_RANGE),
        }

    def start(self, *arguments: str) -> Running:
        """Say a command through the door and do not wait for it."""
        return start(arguments, self.environment(), self.folder / "run")

    def say(self, *arguments: str, database: str = _DATABASE) -> Answer:
        """Say a command past the door."""
        environment = self.environment(database, direct=True)
        return say(arguments, environment, self.folder / "said")

    def run(self, phase: int) -> tuple[str, ...]:
        """Return the command of a stage."""
        if phase == BACK:
            return ("rollback", self.system, "--to", "3", "--yes")
        phases = ("--through", "3") if phase in {THROUGH, DELTA} else ("--phase", str(phase))
        return ("run", self.system, *phases, "--yes", "--ignore-window")

    # --- templates --------------------------------------------------------------------------------

    def prepare(self, seed: int) -> None:
        """Run the phases undisturbed on a new legacy, and keep what is there before each."""
        if self.seed == seed:
            return
        rng = random.Random(seed)  # noqa: S311  # the same legacy for the same seed
        self.seed = None
        self._drop(_DATABASE)
        shutil.rmtree(self.backups, ignore_errors=True)
        self._create_legacy(seed, rng.choice((0.05, 0.1, 0.3)))
        for phase in PHASES:
            self._undisturbed(phase)
        self.origins = dict.fromkeys((*PHASES, THROUGH), self.started[0].without_traspaso())
        self.counts[THROUGH] = sum((self.counts[n] for n in PHASES), Counter())
        self.seconds[THROUGH] = sum(self.seconds[n] for n in PHASES)
        self.proofs[THROUGH] = self.proofs[3]
        self.started[THROUGH], self.ended[THROUGH] = self.started[0], self.ended[3]
        if self.system == FLUXION:
            self._change_file()
            self._undisturbed(DELTA)
            self.origins[DELTA] = self.origins[0]
        if self.switches:
            self.shapes["old"] = shape(self.url)
            self._write("faults/before_the_switch.sql")
            self._undisturbed(SWITCH)
            self.shapes["new"] = shape(self.url)
            self._write("faults/after_the_switch.sql")
            self._undisturbed(BACK)
            for stage in (SWITCH, BACK):
                self.origins[stage] = self._origin(stage)
        self.seed = seed

    def _create_legacy(self, seed: int, dirt: float) -> None:
        url = self.server.create_database(_DATABASE)
        if self.system == FLUXION:
            self.file = self.files["found"]
            self.file.unlink(missing_ok=True)
            create_fluxion(self.file, lines=_LINES, dirt=dirt, seed=seed)
            return
        with psycopg.connect(url, autocommit=True) as conn:
            create_legacy(conn, seed=seed, dirt=dirt, messages=_MESSAGES)

    def _change_file(self) -> None:
        """Let the file be another one, in which rows have come, gone and changed."""
        self.file = self.files["changed"]
        shutil.copy(self.files["found"], self.file)
        with duckdb.connect(self.file) as conn:
            for statement in _CHANGES:
                conn.execute(statement)

    def _write(self, name: str) -> None:
        """Write what an application would, so that a stage has something to bring."""
        with psycopg.connect(self.url, autocommit=True, application_name="application") as conn:
            conn.execute(sql_text(name))

    def _undisturbed(self, stage: int) -> None:
        """Keep what is there before a stage, run it, and keep what it made of it."""
        self._keep(stage)
        self.proxy.reset()
        began = time.monotonic()
        answer = self.start(*self.run(stage)).answer()
        self.seconds[stage] = time.monotonic() - began
        if answer.code != 0:
            raise FaultError(f"{NAMES[stage]}, undisturbed: {answer}")
        self.counts[stage] = Counter(self.proxy.counts)
        self.labels[stage] = list(self.proxy.labels)
        self.proofs[stage] = self.say("validate", self.system)
        if stage in {SWITCH, BACK} and self.proofs[stage].code != 0:
            raise FaultError(f"{NAMES[stage]}, undisturbed: {self.proofs[stage]}")
        self.wait_until_alone()
        self.ended[stage] = self.picture()

    def _origin(self, stage: int) -> Picture:
        """Go back to the beginning from a stage: it is what was there at first, and the writes."""
        self._copy(f"antes_{stage}", _COPY)
        undone = self.say("rollback", self.system, "--to", "0", "--yes", database=_COPY)
        if undone.code != 0 or undone.json["differences"]:
            raise FaultError(f"rollback, undisturbed: {undone}")
        found = take(self.server, self.server.url(_COPY), self.system)
        self.kept[stage] = found.tables[_FATES]
        origin = found.without_traspaso()
        self._drop(_COPY)
        first = self.started[0]
        if (origin.ddl, origin.oids) != (first.ddl, first.oids):
            raise FaultError(f"rollback, undisturbed: {first.differences(origin).named[:1]}")
        return origin

    def _keep(self, stage: int) -> None:
        self.wait_until_alone()
        self._copy(_DATABASE, f"antes_{stage}")
        self.started[stage] = self.picture()
        shutil.rmtree(self.folder / f"backups_{stage}", ignore_errors=True)
        if self.backups.exists():
            shutil.copytree(self.backups, self.folder / f"backups_{stage}")

    def reset(self, phase: int) -> None:
        """Put everything to what it was before a phase."""
        before = 0 if phase == THROUGH else phase
        self.file = self.files["changed" if phase == DELTA else "found"]
        self.proxy.cut_all()
        with psycopg.connect(self.server.url(), autocommit=True) as conn:
            left = conn.execute(
                "select datname from pg_database where starts_with(datname, %s)", [SCRATCH_PREFIX]
            ).fetchall()
        for (name,) in left:
            self._drop(name)
        self._copy(f"antes_{before}", _DATABASE)
        for folder in (self.backups, self.temporary):
            shutil.rmtree(folder, ignore_errors=True)
        self.temporary.mkdir()
        if (self.folder / f"backups_{before}").exists():
            shutil.copytree(self.folder / f"backups_{before}", self.backups)

    def _copy(self, source: str, target: str) -> None:
        self._drop(target)
        with psycopg.connect(self.server.url(), autocommit=True) as conn:
            statement = sql.SQL("create database {} template {} strategy file_copy")
            conn.execute(statement.format(sql.Identifier(target), sql.Identifier(source)))

    def _drop(self, name: str) -> None:
        self.server.drop_database(name)

    def wait_until_alone(self) -> None:
        def alone() -> bool:
            with suppress(psycopg.OperationalError), psycopg.connect(self.server.url()) as conn:
                found = conn.execute(
                    "select count(*) from pg_stat_activity"
                    " where backend_type = 'client backend' and pid <> pg_backend_pid()"
                ).fetchone()
                return found == (0,)
            return False

        wait_for(alone, _ENDING_SECONDS, "every session has ended")

    # --- a trial ----------------------------------------------------------------------------------

    def try_out(self, trial: Trial) -> Outcome:
        """Do a trial; what is not as it must be is in the outcome's faults."""
        outcome = Outcome(trial)
        began = time.monotonic()
        try:
            self.prepare(trial.seed)
            self.reset(trial.phase)
            self._try_out(trial, outcome)
        except (AssertionError, ValueError, OSError, psycopg.Error, TraspasoError) as error:
            outcome.faults.append(f"{type(error).__name__}: {error}")
        finally:
            self.proxy.disarm()
            self.server.start()
        outcome.seconds = time.monotonic() - began
        return outcome

    def _try_out(self, trial: Trial, outcome: Outcome) -> None:
        before = self.journal()
        for kill in trial.kills:
            orphaned = self._kill(trial.phase, kill, outcome, before)
            before = self.journal()
            if kill.victim != "orphans":
                self._wait_until_gone(orphaned)
                self.wait_until_alone()
                if trial.phase in {SWITCH, BACK}:
                    self._require_one_or_the_other(outcome)
                self._roll_back_a_copy(outcome, trial.phase)
        self.proxy.disarm()
        resumed = self.start(*self.run(trial.phase)).answer()
        if resumed.code != 0:
            raise FaultError(f"it cannot be continued: {resumed}")
        outcome.resumed += len(outcome.killed)
        if outcome.killed:
            self._wait_until_gone(orphaned)
        self.wait_until_alone()
        now = self.picture()
        outcome.compare("continued", self.ended[trial.phase].differences(now))
        oids = _by_table(now.oids)
        outcome.faults += [
            f"{name} was made anew"
            for name, oid in _by_table(self.started[trial.phase].oids).items()
            if oids.get(name) != oid
        ]
        self._require_proof(trial.phase)
        self._require_state("idle")
        left = leftovers(self.url, self.backups, self.temporary, SCRATCH_PREFIX)
        outcome.faults += [f"left behind: {name}" for name in left]

    def _require_proof(self, phase: int) -> None:
        proof, expected = self.say("validate", self.system), self.proofs[phase]
        if proof.code != expected.code or _said(proof) != _said(expected):
            said, wanted = _said(proof), _said(expected)
            differing = {key for key in said | wanted if said.get(key) != wanted.get(key)}
            found = {key: (said.get(key), wanted.get(key)) for key in sorted(differing)}
            raise FaultError(f"validate: exit {proof.code}, found and expected: {found}")

    def _kill(
        self, phase: int, kill: Kill, outcome: Outcome, before: list[tuple[str, str]]
    ) -> Running:
        """Run until the kill; then see that `status` says what the journal lets it say."""
        self.proxy.reset()
        running: list[Running] = []

        def action(link: Link) -> None:
            self._strike(kill.victim, running, link)

        if kill.event != "time":
            self.proxy.arm(kill.event, kill.number, action)
        running.append(self.start(*self.run(phase)))
        if kill.event == "time":
            self.proxy.touched.wait(_ENDING_SECONDS)
            running[0].process.join(kill.number / 1000)
            if running[0].process.is_alive():
                self.proxy.now(action, f"after {kill.number} ms")
        answer = running[0].answer()
        self.proxy.settle()
        self.server.start()
        self._wait_until_it_answers()
        if self.proxy.fired is None:
            if answer.code != 0:
                raise FaultError(f"not killed, and yet: {answer}")
            return running[0]
        outcome.killed.append((kill, self.proxy.fired))
        self._require_words(kill, answer)
        journal = self.journal()
        own = journal[len(before) :]
        wait_for(
            lambda: self.state() != "running", _ENDING_SECONDS, "the server sees the runner gone"
        )
        last = [status for _, status in (own or before) if status != "refused"][-1:]
        known = {"running": "interrupted", "interrupted": "interrupted", "failed": "failed"}
        state = known.get(last[0], "idle") if last else "idle"
        outcome.states["not begun" if not own else state] += 1
        self._require_state(state)
        return running[0]

    def _strike(self, victim: str, running: list[Running], link: Link) -> None:
        match victim:
            case "runner":
                running[0].kill(group=False)
            case "orphans":
                self.proxy.stall()
                running[0].kill(group=False)
            case "group":
                running[0].kill(group=True)
            case "backend":
                with suppress(ProcessLookupError):
                    os.kill(link.pid, signal.SIGKILL)
            case "session":
                with psycopg.connect(self.server.url(), autocommit=True) as conn:
                    conn.execute("select pg_terminate_backend(%s, 5000)", [link.pid])
            case "server":
                self.server.kill()
            case "connection":
                link.close()
            case _:
                raise FaultError(f"nobody knows what {victim} is")

    def _require_words(self, kill: Kill, answer: Answer) -> None:
        """See that a runner that lives on says what happened, and what to type next."""
        if kill.victim in {"runner", "orphans", "group"} or answer.code == 0:
            return
        if answer.code not in {1, 4}:
            raise FaultError(f"{kill}: {answer}")
        error = answer.json["error"]
        if (
            not error["fix"]
            or error["message"].startswith("unexpected:")
            or "Traceback" in answer.stderr
        ):
            raise FaultError(f"{kill}: {answer}")

    def _require_one_or_the_other(self, outcome: Outcome) -> None:
        """See that the switch is done or not, and nothing of it is half there."""
        found = shape(self.url)
        for name, known in self.shapes.items():
            if found == known:
                outcome.sides[name] += 1
                return
        raise FaultError(f"neither switched nor not: {found}")

    def _roll_back_a_copy(self, outcome: Outcome, stage: int) -> None:
        """Undo all in a copy of the database: it is what it was before the first phase."""
        self._copy(_DATABASE, _COPY)
        url = self.server.url(_COPY)
        with connect(url, autocommit=True) as conn:
            prepared = _is_prepared(conn)
        undone = self.say("rollback", self.system, "--to", "0", "--yes", database=_COPY)
        if undone.code != (0 if prepared else 3):
            raise FaultError(f"rollback: {undone}")
        now = take(self.server, url, self.system)
        outcome.compare("rolled back", self.origins[stage].differences(now.without_traspaso()))
        if prepared and undone.json["differences"]:
            outcome.faults.append(f"rolled back: {undone}")
        evidence = {_FATES: self.kept.get(stage, Counter()), "traspaso.repairs": Counter()}
        outcome.faults += [
            f"rolled back: {name} is not what it must be"
            for name, kept in evidence.items()
            if now.tables.get(name, Counter()) != kept
        ]
        outcome.rolled_back += 1
        self._drop(_COPY)

    # --- questions --------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The URL of the database that is migrated, past the door."""
        return self.server.url(_DATABASE)

    def picture(self) -> Picture:
        """Look at the database that is migrated."""
        return take(self.server, self.url, self.system)

    def journal(self) -> list[tuple[str, str]]:
        """Return the runs that were recorded, with their status."""
        with connect(self.url, autocommit=True) as conn:
            if conn.execute("select to_regclass('traspaso.runs')").fetchone() == (None,):
                return []
            return conn.execute(
                "select run_id::text, status from traspaso.runs order by started_at"
            ).fetchall()

    def state(self) -> str:
        return str(self.say("status", self.system).json["state"])

    def _require_state(self, wanted: str) -> None:
        state = self.state()
        if state != wanted:
            raise FaultError(f"status says {state}, the journal {wanted}: {self.journal()}")

    def _wait_until_it_answers(self) -> None:
        def answers() -> bool:
            with suppress(psycopg.OperationalError), psycopg.connect(self.server.url()):
                return True
            return False

        wait_for(answers, _ENDING_SECONDS, "the server is up again")

    def _wait_until_gone(self, running: Running) -> None:
        wait_for(lambda: not running.programs(), _ENDING_SECONDS, f"{running.programs()} has ended")


def _by_table(oids: dict[str, str]) -> dict[str, str]:
    """Return the tables' OIDs by their names alone: the switch moves tables to another schema."""
    return {name.partition(".")[2]: oid for name, oid in oids.items()}


def _said(proof: Answer) -> dict[str, Any]:
    # The fingerprint names the OIDs of tables, which two databases cannot share.
    return {key: value for key, value in proof.json.items() if key != "fingerprint"}


def _is_prepared(conn: psycopg.Connection) -> bool:
    if conn.execute("select to_regclass('traspaso.steps')").fetchone() == (None,):
        return False
    found = conn.execute(
        "select 1 from traspaso.steps where phase = 0 and step = 'phase' and status = 'done'"
    ).fetchone()
    return found is not None
