"""dbt, run in this process: the transformation's only door.

Importing dbt takes seconds: it is imported when the first command needs it. A project is parsed
once for all commands of a process, and what was parsed is kept for the next one.
"""

import fcntl
import gc
import hashlib
import json
import os
import pickle
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Self

from runner import duck, legacy_file, parsed
from runner.db import FIX_LOCKED, SESSION, connect
from runner.early_keys import EarlyKeys
from runner.errors import Locked, StepFailed, TraspasoError, Unreachable, UsageProblem
from runner.plan import Plan
from runner.settings import DUCKDB_SCHEME, Settings, libpq_env, redact


class Touched(NamedTuple):
    """Rows of the final tables that a sync touched."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0


# Told when dbt has finished a model: its name, and the rows it touched.
Tell = Callable[[str, int], None]

_PARSED = "partial_parse.msgpack"
_CACHE = "traspaso"
_KEPT_CACHES = 4
_FOLDER = "traspaso-dbt-"
_SHOWN_LINES = 6
# Where PostgreSQL begins to speak, in a message of DuckDB's.
_CAUSE = "ERROR:  "

# Where a project is read as being: what was parsed serves every database then.
_NO_SERVER = {
    "PGHOST": "localhost", "PGPORT": "5432", "PGUSER": "traspaso", "PGPASSWORD": "",
    "PGDATABASE": "traspaso",
}  # fmt: skip

# The same of a DuckDB legacy.
_NO_FILE = {
    "TRASPASO_LEGACY_URL": f"{DUCKDB_SCHEME}legacy.duckdb", "TRASPASO_TEMP_DIR": "temp",
    "TRASPASO_MEMORY_LIMIT": "1GB", "TRASPASO_DUCKDB_EXTENSIONS": "extensions",
    "TRASPASO_LEGACY_FINGERPRINT": "",
}  # fmt: skip
# How DuckDB's sessions with the target call themselves, see profiles.yml.
_DUCKDB_SESSIONS = "traspaso_load"

# What the server, or a macro of ours, says where others hold a lock for too long.
_LOCKED = r"lock timeout|deadlock detected|statement timeout|the switch gave way"

# What a command is told by the environment, unless it says so.
_UNSAID = {"TRASPASO_SYNC": "", "TRASPASO_PROVED": "", "TRASPASO_PROOF": "", "TRASPASO_LOAD": ""}

# The ways of TRASPASO_LOAD, see load_target_table.
_ROWS, _CHANGED_ONLY = "rows", "changed"

# What a model reads, as it is written.
_REFERENCE = re.compile(r"""\bref\(\s*['"](\w+)['"]\s*\)""")
# What a load says of each range: its table, how far it is, how far it goes.
_RANGE = re.compile(r"^traspaso range (\w+) (\d+) (\d+)$")
# What it says where it read row groups that changed only: its table, their rows, all rows.
_CHANGED = re.compile(r"^traspaso changed (\w+) (\d+) (\d+)$")

# What dbt's own session must share with ours; its search_path it needs.
_DBT_SESSION = {
    name: SESSION[name]
    for name in ("TimeZone", "DateStyle", "jit", "client_connection_check_interval")
}

# Where no core is free for them, the server's own helpers cost more than they bring: workers that
# build an index with a session, and those that read for it (PostgreSQL 18).
_NO_HELPERS = {
    "max_parallel_maintenance_workers": "0",
    "effective_io_concurrency": "0",
    "maintenance_io_concurrency": "0",
}

# For a DuckDB that nothing is asked of.
_RESTING_MEMORY = "16MB"


def import_meanwhile() -> None:
    """Begin to import dbt beside what comes next; whoever needs it waits for the rest."""
    threading.Thread(target=import_module, args=["dbt.cli.main"], daemon=True).start()


@dataclass
class Dbt:
    """The project on one target database, as a context: with Dbt(settings, plan) as dbt."""

    settings: Settings
    plan: Plan
    tell: Tell = lambda _name, _rows: None
    # Told of each range that a load has brought: its table, rows so far and in all.
    tell_range: Callable[[str, int, int], None] = lambda _name, _done, _total: None
    # How an attempt is made that may raise Locked.
    patiently: Callable[[Callable[[], None]], None] = lambda attempt: attempt()
    # What the last sync touched, by legacy table.
    touched: dict[str, Touched] = field(default_factory=dict, init=False, repr=False)
    # How long each node took that was built last, by the name of its table, in seconds.
    seconds: dict[str, float] = field(default_factory=dict, init=False, repr=False)
    # Of the tables of which the last load compared a part with the file: its rows, and all rows.
    compared: dict[str, tuple[int, int]] = field(default_factory=dict, init=False, repr=False)
    # Who builds keys while rows come; the tables whose rows are there, of how many.
    _keys: EarlyKeys | None = field(default=None, init=False, repr=False)
    _complete: list[str] = field(default_factory=list, init=False, repr=False)
    _nodes: int = field(default=0, init=False, repr=False)
    # What the last operation failed with: its result does not say.
    _operation_error: str = field(default="", init=False, repr=False)
    # Whether this process made what the loads of every phase need.
    is_prepared: bool = field(default=False, init=False, repr=False)
    _manifest: Any = field(default=None, init=False, repr=False)
    _models: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    _as_parsed: bytes = field(default=b"", init=False, repr=False)
    # The queries of the final tables that the last sync built, by model.
    _compiled: dict[str, str] = field(default_factory=dict, init=False, repr=False)
    _target_path: Path = field(default=Path(), init=False, repr=False)
    _cache: Path = field(default=Path(), init=False, repr=False)
    _stack: ExitStack = field(default_factory=ExitStack, init=False, repr=False)
    _server: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    @property
    def batch_rows(self) -> int:
        """Rows of a file's table that one transaction loads."""
        return self.settings.batch_rows or self.plan.batch_rows

    def __enter__(self) -> Self:
        # Where the URL led: a default that it leaves out, or one of several hosts.
        with connect(self.settings.require_target(), read_only=True) as conn:
            self._server = {
                "PGHOST": conn.info.host, "PGPORT": str(conn.info.port),
                "PGUSER": conn.info.user, "PGDATABASE": conn.info.dbname,
            }  # fmt: skip
        self._cache = _cache(self.settings, self.plan.threads, self.plan.output)
        self._target_path = self._stack.enter_context(_own_folder())
        with suppress(OSError):
            shutil.copy(self._cache / _PARSED, self._target_path / _PARSED)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._cache.mkdir(parents=True, exist_ok=True)
            # Replaced at once: another process may be reading it.
            kept = self._cache / f"{_PARSED}.{os.getpid()}"
            shutil.copy(self._target_path / _PARSED, kept)
            kept.replace(self._cache / _PARSED)
            _forget_oldest(self._cache.parent)
        self._stack.close()

    def parse(self) -> None:
        """Import dbt and read the project, unless that was done: what takes seconds at a start."""
        if self._manifest is not None:
            return
        from dbt.cli.main import dbtRunner

        nowhere = _NO_SERVER | (_NO_FILE if self.plan.reads_file else {})
        environment = self._environment("", 0) | nowhere
        state = parsed.state_of(
            self.settings.project_dir,
            {name: value for name, value in environment.items() if name.startswith("TRASPASO_")},
        )
        self._manifest = parsed.load(self._cache, state)
        if self._manifest is None:
            with _environment(environment):
                outcome = dbtRunner().invoke(["parse", *self._options()])
            self._require(outcome)
            self._manifest = outcome.result
            parsed.keep(self._cache, state, self._manifest)
        # What was imported and read stays: no collection need look at it again.
        gc.freeze()
        if not self.plan.reads_file:
            # DuckDB knows the databases by the aliases that the profile gives them.
            _move(self._manifest, self._server["PGDATABASE"])
        self._as_parsed = pickle.dumps(
            {
                name: node
                for name, node in self._manifest.nodes.items()
                if node.resource_type == "model"
            }
        )
        self._models = self._fresh_models()

    def _fresh_models(self) -> dict[str, Any]:
        """Return the models as they were parsed: a quarter of the time of a deep copy."""
        models: dict[str, Any] = pickle.loads(self._as_parsed)  # noqa: S301  # written above
        return models

    def cancel(self) -> None:
        """Cancel the statements that dbt runs now; what they did in their transaction is undone."""
        from dbt.adapters.factory import FACTORY

        if self.plan.reads_file:
            self._cancel_duckdb(FACTORY.adapters.get("duckdb"))
            return
        adapter = FACTORY.adapters.get("postgres")
        if adapter is None:
            return
        pids = [
            connection.handle.get_backend_pid()
            for connection in [*adapter.connections.thread_connections.values()]
            if connection.state == "open"
        ]
        with connect(self.settings.require_target(), autocommit=True) as conn:
            conn.execute(
                "select pg_catalog.pg_cancel_backend(pid) from unnest(%s::int[]) as t (pid)",
                [pids],
            )

    def _cancel_duckdb(self, adapter: Any) -> None:
        if adapter is None:
            return
        for connection in [*adapter.connections.thread_connections.values()]:
            if connection.state == "open":
                connection.handle.cursor().interrupt()
        # A statement that DuckDB has handed on runs until the server ends it.
        with connect(self.settings.require_target(), autocommit=True) as conn:
            conn.execute(
                "select pg_catalog.pg_cancel_backend(pid) from pg_catalog.pg_stat_activity"
                " where application_name = %s and usename = current_user"
                " and datname = current_database()",
                [_DUCKDB_SESSIONS],
            )

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Let dbt's DuckDB hold next to nothing within the block: another one reads the file."""
        from dbt.adapters.factory import FACTORY

        try:
            adapter: Any = FACTORY.adapters["duckdb"]
            handle = adapter.connections.env().handle()
        except Exception:  # noqa: BLE001  # what dbt-duckdb raises where it has opened none
            yield
            return
        _limit_memory(handle, _RESTING_MEMORY)
        try:
            yield
        finally:
            _limit_memory(handle, duck.memory_limit())
            handle.close()

    def install(self) -> None:
        """Create the evidence's tables and functions where they are missing."""
        self._invoke("run-operation", "install")

    def create(self, system: str, *, run_id: str, phase: int, exclude: Sequence[str]) -> None:
        """Create every final table of the system, empty; `exclude` are tables that are done."""
        self._build(
            "run", "--empty",
            select=[f"tag:{system},config.materialized:target_table"],
            exclude=_models(system, exclude), run_id=run_id, phase=phase,
        )  # fmt: skip

    def prepare(self, system: str) -> None:
        """Load the value maps and the numbering plans, create the staging and compat views."""
        self._build(
            "build", "--resource-type", "seed", "--resource-type", "model",
            select=[
                f"tag:{system},resource_type:seed",
                f"path:models/staging/{system}", f"path:models/compat/{system}",
            ],
            exclude=["config.materialized:proof_table"],
        )  # fmt: skip

    def snapshot(self, system: str) -> None:
        """Keep the history of the tables that have a snapshot."""
        if self._has("snapshot", system):
            self._build("snapshot", select=[f"tag:{system}"])

    def reporting(self, system: str) -> None:
        """Create the views that stand beside the final tables."""
        if self.plan.views:
            self._build("run", select=_models(system, self.plan.views))

    def prove(self, system: str, tables: Sequence[str], *, reads_back: bool = False) -> None:
        """Look for what the proofs of these legacy tables find, where they are no views.

        Each engine works out the digest of every row by itself; `reads_back` lets DuckDB do both,
        in less than half the time, and each engine a sample.
        """
        self._build(
            "run",
            select=[f"tag:{system},config.materialized:proof_table"],
            environment={
                "TRASPASO_PROVED": ",".join(tables),
                "TRASPASO_PROOF": "rows" if reads_back else "",
            },
        )

    def _has(self, kind: str, system: str) -> bool:
        return any(
            node.resource_type == kind and system in node.tags
            for node in self._manifest.nodes.values()
        )

    def load(self, selector: str, system: str, *, run_id: str, phase: int,
             exclude: Sequence[str] = (), rows_first: bool = False,
             changed_only: bool = False) -> None:  # fmt: skip
        """Bring the final tables of a phase to what the legacy says.

        With `rows_first` the rows of all tables come before the first key: so two sessions have
        work to the end. With `changed_only` a filled table is compared with what changed in the
        file since a load of it was proved: the proof that follows must look at all of it.
        """
        without = _models(system, exclude)
        self.compared.clear()
        keys = EarlyKeys(
            self.settings.require_target(), self.settings.target_schema,
            self._helper_settings(), _DUCKDB_SESSIONS,
        )  # fmt: skip
        with keys:
            if rows_first:
                self._keys = keys
                self._build(
                    "run", select=[selector], exclude=without, run_id=run_id, phase=phase,
                    environment={"TRASPASO_LOAD": _ROWS},
                )  # fmt: skip
                self._keys = None
                keys.take_no_more()
            self._build(
                "run", select=[selector], exclude=without, run_id=run_id, phase=phase,
                environment={"TRASPASO_LOAD": _CHANGED_ONLY if changed_only else ""},
            )  # fmt: skip

    def sync(self, system: str, tables: Sequence[str]) -> dict[str, Touched]:
        """Bring what was written to the legacy of these final tables; by legacy table."""
        self.touched = {}
        self._build("run", select=_models(system, tables), environment={"TRASPASO_SYNC": "true"})
        return self.touched

    def switch_over(
        self, system: str, *, run_id: str, tables: Sequence[str], lock_ms: int, limit_ms: int
    ) -> None:
        """Put the compat views under the names of the legacy tables, in one transaction.

        To be called after `sync`, whose queries bring the last changes in it. Raises Locked,
        with nothing done, where a writer would have to wait for too long.
        """
        arguments = {
            "system": system,
            "run_id": run_id,
            "archive": self.plan.schemas.archive,
            "compat": self.plan.schemas.compat,
            "queries": [
                {"name": name, "sql": self._compiled[name]} for name in self._parents_first()
            ],
            "tables": [*tables],
            "lock_ms": lock_ms,
            "limit_ms": limit_ms,
        }
        self._invoke("run-operation", "switch_over", "--args", json.dumps(arguments))

    def _parents_first(self) -> Iterator[str]:
        """Name the models that the last sync built, each after those that it reads."""
        by_id = {
            node.unique_id: node for node in self._models.values() if node.name in self._compiled
        }
        graph = {
            key: {parent for parent in node.depends_on.nodes if parent in by_id}
            for key, node in by_id.items()
        }
        for key in TopologicalSorter(graph).static_order():
            yield by_id[key].name

    def _build(
        self,
        *command: str,
        select: Sequence[str],
        exclude: Sequence[str] = (),
        run_id: str = "",
        phase: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Build what is selected; what did not get its lock, and what waits for it, is said again.

        What was built stays built: only the rest is said again.
        """
        left = [*select]
        without = [*exclude]

        def attempt() -> None:
            chosen = ["--select", *left, *(["--exclude", *without] if without else [])]
            try:
                self._invoke(*command, *chosen, run_id=run_id, phase=phase, environment=environment)
            except _Unbuilt as error:
                left[:], without[:] = error.nodes, []
                raise

        self.patiently(attempt)

    def _invoke(
        self,
        *arguments: str,
        run_id: str = "",
        phase: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.parse()
        from dbt.cli.main import dbtRunner

        self._complete.clear()
        partitioned = {"TRASPASO_PARTITIONED": ",".join(self.settings.partitioned)}
        said = _UNSAID | partitioned | dict(environment or {})
        with _environment(self._environment(run_id, phase) | said):
            # Compiling a model writes its foreign keys' parents into the manifest, which a second
            # compilation then refuses: each invocation gets the models as they were parsed.
            self._manifest.nodes.update(self._fresh_models())
            if said["TRASPASO_LOAD"] == _ROWS:
                self._forget_parents()
            runner = dbtRunner(manifest=self._manifest, callbacks=[self._on_event])
            outcome = runner.invoke([*arguments, *self._options()])
            self._require(outcome)
        if said["TRASPASO_SYNC"]:
            results: Any = outcome.result
            for result in results.results:
                self._compiled[result.node.name] = result.node.compiled_code

    def _forget_parents(self) -> None:
        """Let no table wait for those that its foreign keys refer to: these are off."""
        for node in self._manifest.nodes.values():
            if getattr(node.config, "materialized", "") != "target_table":
                continue
            read = set(_REFERENCE.findall(node.raw_code))
            node.depends_on.nodes = [
                parent
                for parent in node.depends_on.nodes
                if parent not in self._models or self._models[parent].name in read
            ]

    def _options(self) -> list[str]:
        return [
            "--project-dir", str(self.settings.project_dir),
            "--profiles-dir", str(self.settings.project_dir),
            "--target", self.plan.output,
            "--target-path", str(self._target_path),
            "--log-path", str(self._target_path),
            "--quiet", "--log-level", "none", "--no-use-colors", "--no-version-check",
            "--no-write-json",
        ]  # fmt: skip

    def _environment(self, run_id: str, phase: int) -> dict[str, str]:
        session = _DBT_SESSION | {"lock_timeout": f"{self.plan.ddl_lock_timeout_ms}ms"}
        session |= self._helper_settings()
        return (
            libpq_env(self.settings.require_target(), session)
            | self._server
            | {
                "TRASPASO_LEGACY_SCHEMA": self.settings.legacy_schema,
                "TRASPASO_TARGET_SCHEMA": self.settings.target_schema,
                "TRASPASO_THREADS": str(self.plan.threads),
                "TRASPASO_SYSTEM": self.plan.system,
                "TRASPASO_RUN_ID": run_id,
                "TRASPASO_PHASE": str(phase),
            }
            | self._file_environment()
        )

    def _helper_settings(self) -> dict[str, str]:
        """Return settings where the sessions of a load leave the server no core for helpers.

        Behind a Unix socket it has the cores that DuckDB has; a port may be a tunnel's end.
        """
        is_here = self._server.get("PGHOST", "").startswith("/")
        is_full = self.plan.reads_file and is_here and (os.cpu_count() or 1) <= self.plan.threads
        return _NO_HELPERS if is_full else {}

    def _file_environment(self) -> dict[str, str]:
        file = self.settings.legacy_file
        if not self.plan.reads_file or file is None:
            return {}
        return {
            "TRASPASO_LEGACY_URL": self.settings.legacy_url or "",
            "TRASPASO_TEMP_DIR": str(self._spill_folder()),
            "TRASPASO_MEMORY_LIMIT": duck.memory_limit(),
            "TRASPASO_TIMEZONE": self.plan.window.timezone.key,
            "TRASPASO_BATCH_ROWS": str(self.batch_rows),
            "TRASPASO_LEGACY_FINGERPRINT": legacy_file.fingerprint(file) if file.exists() else "",
            "TRASPASO_DUCKDB_EXTENSIONS": duck.extension_folder(self.settings.project_dir),
        }

    def _spill_folder(self) -> Path:
        """Return where DuckDB spills; it makes no more than the last folder of a path."""
        if not os.environ.get("TRASPASO_TEMP_DIR", "").strip():
            return self._target_path / "temp"
        folder = duck.spill_folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageProblem(
                f"TRASPASO_TEMP_DIR cannot be made: {folder}: {error.strerror}",
                "export TRASPASO_TEMP_DIR=/folder/of/yours",
            ) from None
        return folder

    def _on_event(self, event: Any) -> None:
        if event.info.name in {"RunningOperationCaughtError", "RunningOperationUncaughtError"}:
            self._operation_error = event.data.exc
        if event.info.name == "JinjaLogDebug":
            if said := _RANGE.match(event.data.msg):
                self.tell_range(said[1], int(said[2]), int(said[3]))
            if said := _CHANGED.match(event.data.msg):
                self.compared[said[1]] = int(said[2]), int(said[3])
        if event.info.name == "LogStartLine":
            self._nodes = event.data.total
        if event.info.name == "NodeFinished":
            node = event.data.node_info
            self._give_to_early_keys(node.node_relation, event.data.run_result.status)
            self._touch(event.data.run_result.message)
            rows = event.data.run_result.message.split(" ")
            count = int(rows[1]) if rows[0] == "LOAD" and rows[-1].isdecimal() else 0
            self.seconds[node.node_relation.alias] = event.data.run_result.execution_time
            self.tell(node.node_name, count)

    def _give_to_early_keys(self, relation: Any, status: str) -> None:
        """Let keys be built once fewer tables' rows are left to bring than there are sessions."""
        if self._keys is None or status != "success":
            return
        self._complete.append(f"{relation.schema}.{relation.alias}")
        if self._nodes - len(self._complete) < self.plan.threads:
            self._keys.begin({*self._complete})

    def _touch(self, message: str) -> None:
        """Add up what a sync says it did: 'SYNC users=1,0,2 customers=0,1,0'."""
        if not message.startswith("SYNC "):
            return
        for part in message.split()[1:]:
            table, _, counts = part.partition("=")
            before = self.touched.get(table, Touched())
            self.touched[table] = Touched(
                *(a + int(b) for a, b in zip(before, counts.split(","), strict=True))
            )

    def _require(self, outcome: Any) -> None:
        """Raise StepFailed with the first node that failed, and how many others did."""
        if outcome.success:
            return
        if isinstance(outcome.exception, KeyboardInterrupt) or (
            outcome.exception is not None and not str(outcome.exception)
        ):
            # dbt takes ^C for itself and says nothing of it.
            raise KeyboardInterrupt
        if outcome.result is None or not hasattr(outcome.result, "results"):
            raise self._failure("dbt", str(outcome.exception))
        failed = [r for r in outcome.result.results if r.status in {"error", "fail"}]
        if not failed:
            raise self._failure("dbt", str(outcome.exception or "a model was skipped"))
        others = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        failures = [
            self._failure(
                f"{_name(result)}{others}",
                result.message or self._operation_error or "no message",
            )
            for result in failed
        ]
        for failure in failures:
            if not isinstance(failure, Locked):
                raise failure
        unbuilt = [
            result.node.name
            for result in outcome.result.results
            if result.status not in {"success", "pass"} and hasattr(result, "node")
        ]
        raise _Unbuilt(failures[0], unbuilt)

    def _failure(self, name: str, message: str) -> TraspasoError:
        """Say what dbt's message means: dbt hands out the server's words, not its error codes."""
        lines = [
            line.strip()
            for line in message.splitlines()
            if line.strip() and not line.strip().startswith("compiled code at")
        ]
        text = redact(" ".join(_telling(lines)), self.settings.target_url)
        if re.search(_LOCKED, text):
            return Locked(
                f"{name}: somebody holds a lock for longer than lock_timeout: {text}",
                FIX_LOCKED,
                table=name,
            )
        if re.search(r"server closed the connection|terminating connection|could not connect"
                     r"|connection to server|SSL connection has been closed", text):  # fmt: skip
            return Unreachable(
                f"{name}: the connection was lost: {text}",
                "when the server is back, say the same command again: it continues",
            )
        if "No space left on device" in text:
            return StepFailed(
                f"{name}: the server's disk is full: {text}",
                "nothing of this table was kept; free space there and say the same command again",
                table=name,
            )
        if "Out of Memory Error" in text:
            return StepFailed(
                f"{name}: DuckDB needs more memory than it has: {text}",
                "export TRASPASO_MEMORY_LIMIT=512MB (it is 256 MB by default) or more, and say the "
                "same command again: it continues",
                table=name,
            )
        return StepFailed(
            f"{name}: {text}",
            "nothing of this table was kept; correct it and say the same command again",
            table=name,
        )


def write_docs(project_dir: Path, page: Path) -> None:
    """Write dbt's documentation of the whole project as one static page; needs no server."""
    from dbt.cli.main import dbtRunner

    with tempfile.TemporaryDirectory(prefix="traspaso-docs-") as folder:
        with _environment({"TRASPASO_DUCKDB_PATH": f"{folder}/docs.duckdb"}):
            outcome = dbtRunner().invoke([
                "docs", "generate", "--static",
                "--project-dir", str(project_dir), "--profiles-dir", str(project_dir),
                "--target", "duckdb", "--target-path", folder, "--log-path", folder,
                "--no-write-json", "--quiet", "--log-level", "none", "--no-version-check",
            ])  # fmt: skip
        if not outcome.success:
            raise StepFailed(f"dbt: {outcome.exception}", "dbt parse, to see where")
        page.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(folder) / "static_index.html", page)


def _telling(lines: Sequence[str]) -> list[str]:
    """Return the lines of a message that say what went wrong: DuckDB's have the statement first."""
    begin = next((number for number, line in enumerate(lines) if _CAUSE in line), 0)
    if begin < _SHOWN_LINES:
        return [*lines[:_SHOWN_LINES]]
    first, *others = lines[begin : begin + _SHOWN_LINES]
    return [lines[0], "…", first[first.index(_CAUSE) :], *others]


class _Unbuilt(Locked):
    """Locked, and the names of the nodes that are not built."""

    def __init__(self, first: TraspasoError, nodes: list[str]) -> None:
        super().__init__(first.message, first.fix, table=first.table)
        self.nodes = nodes


def _name(result: Any) -> str:
    """Name what failed: a node's relation, or an operation, which is no node."""
    node = getattr(result, "node", None)
    return str(getattr(node, "alias", None) or getattr(node, "name", None) or result.unique_id)


def _models(system: str, tables: Sequence[str]) -> list[str]:
    return [f"{system}__{name}" for name in tables]


def _move(manifest: Any, database: str) -> None:
    """Say of what was parsed that it is in this database."""
    parsed, real = f'"{_NO_SERVER["PGDATABASE"]}"', '"{}"'.format(database.replace('"', '""'))
    for node in (*manifest.nodes.values(), *manifest.sources.values()):
        node.database = database
        if getattr(node, "relation_name", None):
            node.relation_name = node.relation_name.replace(parsed, real, 1)
    manifest.build_flat_graph()


def _cache(settings: Settings, threads: int, output: str = "postgres") -> Path:
    """Return the folder of what was parsed for these schemas: dbt parses anew for others."""
    named = [settings.legacy_schema, settings.target_schema, threads, output]
    digest = hashlib.sha256(json.dumps(named).encode()).hexdigest()
    return settings.project_dir / "target" / _CACHE / digest[:16]


def _forget_oldest(caches: Path) -> None:
    """Keep what was parsed for the last few schemas."""
    found = [file for file in caches.glob(f"*/{_PARSED}") if file.is_file()]
    for file in sorted(found, key=lambda file: file.stat().st_mtime)[:-_KEPT_CACHES]:
        shutil.rmtree(file.parent, ignore_errors=True)


@contextmanager
def _own_folder() -> Iterator[Path]:
    """Give a temporary folder, and remove those of processes that were killed.

    A folder is locked as long as its process lives.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        # Another user's cannot be opened, a living one's not be locked.
        with suppress(OSError):
            handle = _lock(left)
            shutil.rmtree(left, ignore_errors=True)
            os.close(handle)
    folder, handle = _new_folder()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _new_folder() -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_FOLDER))
        # Until it is locked another process may take it for a dead one's.
        with suppress(FileNotFoundError, BlockingIOError):
            handle = _lock(folder)
            if folder.exists():
                return folder, handle
            os.close(handle)


def _lock(folder: Path) -> int:
    """Lock a folder; raises BlockingIOError where a living process holds it."""
    handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for the block; dbt reads them when it is invoked."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _limit_memory(handle: Any, limit: str) -> None:
    """Tell DuckDB, which then gives back what it may not keep; what it is at work on it keeps."""
    import duckdb

    with suppress(duckdb.Error):
        handle.cursor().execute(f"set memory_limit = '{limit}'")
