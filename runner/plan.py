"""The plan of a system: what is moved, in which phases and when. Data, read from plans/*.yml."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jsonschema
import yaml

from runner.errors import UsageProblem

PLANS_DIR = Path(__file__).parent / "plans"
EN_DASH = "\N{EN DASH}"

# A statement that waits for a strong lock makes the application's reads wait behind it.
DDL_LOCK_TIMEOUT_MS = 1_000

PREPARE_PHASE = 0
# The phase that makes the Spanish tables; those after it load them.
CREATE_PHASE = 1
# The last phase that loads.
TRANSACTIONS_PHASE = 3
# The phase in which the compat views take the legacy tables' names, and the one that drops these.
SWITCH_PHASE = 4
CLEAN_UP_PHASE = 5


@dataclass(frozen=True)
class Window:
    """The hours in which phases may run, local to a time zone; it may end the next morning.

    An hour that the clocks skip counts as the one after it; of one they repeat, the first counts.
    All moments passed in must know their time zone; durations are real time, not clock time.
    """

    opens: time
    closes: time
    timezone: ZoneInfo

    def is_open(self, now: datetime) -> bool:
        """Whether a phase may start now."""
        return self._current(now) is not None

    def opens_in(self, now: datetime) -> timedelta:
        """Time until it opens; zero while it is open."""
        if self.is_open(now):
            return timedelta(0)
        return min(opens for opens, _ in self._around(now) if opens > now) - _utc(now)

    def closes_in(self, now: datetime) -> timedelta:
        """Time until it closes; zero while it is closed."""
        current = self._current(now)
        return timedelta(0) if current is None else current[1] - _utc(now)

    def closes_at(self, now: datetime) -> datetime:
        """Return the end of the opening that is on, or else of the next one; UTC."""
        return next(closes for _, closes in self._around(now) if closes > now)

    def local(self, moment: datetime) -> str:
        """Return the time of day there, e.g. `05:11`."""
        return f"{moment.astimezone(self.timezone):%H:%M}"

    def __str__(self) -> str:
        return f"{self.opens:%H:%M}{EN_DASH}{self.closes:%H:%M} {self.timezone.key}"

    def _current(self, now: datetime) -> tuple[datetime, datetime] | None:
        return next((span for span in self._around(now) if span[0] <= now < span[1]), None)

    def _around(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the openings around `now` in UTC, without those that the clocks swallow."""
        today = now.astimezone(self.timezone).date()
        for day in (today + timedelta(days=offset) for offset in range(-2, 4)):
            last_day = day if self.opens < self.closes else day + timedelta(days=1)
            opens, closes = self._at(day, self.opens), self._at(last_day, self.closes)
            if opens < closes:
                yield opens, closes

    def _at(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, self.timezone).astimezone(UTC)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


@dataclass(frozen=True)
class Table:
    """One legacy table and the Spanish tables its rows go to.

    Of a sensitive one, backups are encrypted.
    """

    source_table: str
    target_tables: tuple[str, ...]
    sensitive: bool = False


@dataclass(frozen=True)
class Phase:
    """One phase; `selector` is what dbt builds in it, None where dbt builds nothing."""

    number: int
    name: str
    selector: str | None
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Retention:
    """Which backups `prune` keeps: the younger ones in days, that many of the newest."""

    days: int | None = None
    count: int | None = None


@dataclass(frozen=True)
class Backup:
    """How backups are made; `jobs` is the number of tables dumped or restored at once."""

    jobs: int
    retention: Retention = Retention()


@dataclass(frozen=True)
class Notification:
    """Who is told of what: a command with arguments, or a webhook.

    `webhook_env` names the environment variable that holds the webhook's URL, which may be secret.
    """

    events: tuple[str, ...]
    command: tuple[str, ...] | None = None
    webhook: str | None = None
    webhook_env: str | None = None
    timeout_seconds: float = 10


@dataclass(frozen=True)
class CriticalQueries:
    """The file of the queries that are measured before and after, and what each may take."""

    path: Path
    timeout_seconds: float = 30


@dataclass(frozen=True)
class Schemas:
    """Schemas of the target database beside the legacy and the target schema."""

    staging: str
    compat: str
    archive: str

    @property
    def all(self) -> tuple[str, ...]:
        """The three of them."""
        return (self.staging, self.compat, self.archive)


@dataclass(frozen=True)
class Plan:
    """The plan of one system. Made by `load_plan`."""

    system: str
    title: str
    window: Window
    stabilization_days: int
    threads: int
    lock_timeout_ms: int
    lock_patience_seconds: float
    backup: Backup
    schemas: Schemas
    phases: tuple[Phase, ...]
    # Rows of a file's table that are loaded by one transaction.
    batch_rows: int = 2_000_000
    # How long a writer may have to wait for the switch, in seconds.
    switch_wait_seconds: float = 5
    notifications: tuple[Notification, ...] = ()
    without_tls_because: str | None = None
    # dbt's output that moves the rows.
    output: str = "postgres"
    # Views of the target schema that read the Spanish tables.
    views: tuple[str, ...] = ()
    # Queries that are measured on the legacy's file and on the Spanish tables.
    queries: CriticalQueries | None = None

    def phase(self, number: int) -> Phase:
        """Return the phase of that number; raises UsageProblem."""
        for phase in self.phases:
            if phase.number == number:
                return phase
        known = ", ".join(str(phase.number) for phase in self.phases)
        raise UsageProblem(f"{self.system} has no phase {number}", f"its phases are {known}")

    @property
    def reads_file(self) -> bool:
        """Whether the legacy is a DuckDB file."""
        return self.output == "duckdb_to_postgres"

    @property
    def ddl_lock_timeout_ms(self) -> int:
        """How long a statement that others would queue behind may wait for its lock."""
        return min(self.lock_timeout_ms, DDL_LOCK_TIMEOUT_MS)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every legacy table, in the order in which the phases move them."""
        return _all_tables(self.phases)

    @property
    def source_tables(self) -> tuple[str, ...]:
        """The names of the legacy tables, in the order of `tables`."""
        return tuple(table.source_table for table in self.tables)

    @property
    def sensitive_tables(self) -> tuple[str, ...]:
        """The legacy tables whose backups must be encrypted."""
        return tuple(table.source_table for table in self.tables if table.sensitive)

    @property
    def target_tables(self) -> tuple[str, ...]:
        """Every Spanish table once, in the order of the plan."""
        return tuple(dict.fromkeys(name for table in self.tables for name in table.target_tables))

    def loaded_after(self, number: int) -> tuple[str, ...]:
        """Name the Spanish tables that hold rows once that phase is done, in the plan's order."""
        loaded = {
            name
            for phase in self.phases
            if CREATE_PHASE < phase.number <= number
            for table in phase.tables
            for name in table.target_tables
        }
        return tuple(name for name in self.target_tables if name in loaded)


def systems() -> tuple[str, ...]:
    """Names of the systems that have a plan, sorted."""
    return tuple(sorted(path.stem for path in PLANS_DIR.glob("*.yml")))


def load_plan(system: str) -> Plan:
    """Read the plan of a system. Raises UsageProblem for an unknown system or an invalid file."""
    if system not in systems():
        raise UsageProblem(
            f"there is no system called {system}", f"the systems are: {', '.join(systems())}"
        )
    return read_plan(PLANS_DIR / f"{system}.yml")


def read_plan(path: Path) -> Plan:
    """Read a plan and hold it against plans/schema.json; UsageProblem names all its faults."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise _invalid(path, [" ".join(str(error).split())]) from None
    faults = sorted(_validator().iter_errors(document), key=lambda fault: fault.json_path)
    if faults:
        raise _invalid(path, [f"{fault.json_path}: {fault.message}" for fault in faults])
    if contradictions := _contradictions(path, document):
        raise _invalid(path, contradictions)
    return _plan(document, path.parent)


@cache
def _validator() -> Any:
    schema = json.loads((PLANS_DIR / "schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)


def _invalid(path: Path, faults: list[str]) -> UsageProblem:
    return UsageProblem(f"{path}: {'; '.join(faults)}", f"correct {path.name}")


def _contradictions(path: Path, document: dict[str, Any]) -> list[str]:
    """List what a JSON schema cannot say."""
    faults = []
    if document["system"] != path.stem:
        faults.append(f"$.system: the file of {document['system']} is called {path.name}")
    try:
        ZoneInfo(document["timezone"])
    except (ZoneInfoNotFoundError, ValueError):
        faults.append(f"$.timezone: there is no time zone {document['timezone']}")
    if not (path.parent / document.get("queries", {}).get("file", path.name)).is_file():
        faults.append(f"$.queries.file: there is no {document['queries']['file']} beside the plan")
    if document["window"]["opens"] == document["window"]["closes"]:
        faults.append("$.window: it opens and closes at the same time")
    numbers = [phase["number"] for phase in document["phases"]]
    if numbers != list(range(len(numbers))):
        faults.append("$.phases: not numbered 0, 1, 2, … in this order")
    sources = [
        table["source_table"] for phase in document["phases"] for table in phase.get("tables", [])
    ]
    faults += [
        f"$.phases: {name} is in more than one place"
        for name in sorted({name for name in sources if sources.count(name) > 1})
    ]
    return faults


def _plan(document: dict[str, Any], folder: Path) -> Plan:
    phases = tuple(_phase(phase) for phase in document["phases"])
    everything = _all_tables(phases)
    window = document["window"]
    return Plan(
        system=document["system"],
        title=document["title"],
        window=Window(
            opens=time.fromisoformat(window["opens"]),
            closes=time.fromisoformat(window["closes"]),
            timezone=ZoneInfo(document["timezone"]),
        ),
        stabilization_days=document["stabilization_days"],
        threads=document["threads"],
        lock_timeout_ms=round(document["lock_timeout_seconds"] * 1000),
        lock_patience_seconds=document["lock_patience_seconds"],
        switch_wait_seconds=document.get("switch_wait_seconds", Plan.switch_wait_seconds),
        batch_rows=document.get("batch_rows", Plan.batch_rows),
        backup=Backup(
            jobs=document["backup"]["jobs"],
            retention=Retention(**document["backup"].get("retention", {})),
        ),
        schemas=Schemas(**document["schemas"]),
        phases=tuple(
            phase
            if phase.tables
            else Phase(phase.number, phase.name, phase.selector, tables=everything)
            for phase in phases
        ),
        notifications=tuple(_notification(each) for each in document.get("notifications", [])),
        without_tls_because=document.get("without_tls_because"),
        output=document.get("output", "postgres"),
        views=tuple(document.get("views", [])),
        queries=_queries(document.get("queries"), folder),
    )


def _queries(document: dict[str, Any] | None, folder: Path) -> CriticalQueries | None:
    if document is None:
        return None
    default = CriticalQueries.timeout_seconds
    return CriticalQueries(folder / document["file"], document.get("timeout_seconds", default))


def _notification(document: dict[str, Any]) -> Notification:
    lists = {key: tuple(value) for key, value in document.items() if isinstance(value, list)}
    return Notification(**document | lists)


def _phase(document: dict[str, Any]) -> Phase:
    return Phase(
        number=document["number"],
        name=document["name"],
        selector=document.get("selector"),
        tables=tuple(
            Table(
                table["source_table"],
                tuple(table["target_tables"]),
                sensitive=table.get("sensitive", False),
            )
            for table in document.get("tables", [])
        ),
    )


def _all_tables(phases: tuple[Phase, ...]) -> tuple[Table, ...]:
    return tuple(dict.fromkeys(table for phase in phases for table in phase.tables))
