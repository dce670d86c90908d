"""The demonstration: a PostgreSQL of its own, a legacy with dirt in it, all phases, and back."""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from runner import commands
from runner.console import Console
from runner.db import connect
from runner.errors import UsageProblem
from runner.fluxion_sample import create_fluxion
from runner.plan import Plan
from runner.sample import create_legacy
from runner.server import EmbeddedServer
from runner.settings import DUCKDB_SCHEME, PROJECT_DIR, Settings

_LAST = 3
_LINES = 20_000
_DIRT = 0.02


class _Sample(NamedTuple):
    """How a system's legacy is made, and of which table the fates are shown.

    `make` takes the settings and a folder; it returns the settings by which the legacy is read,
    and the rows of each table.
    """

    make: Callable[[Settings, Path], tuple[Settings, dict[str, int]]]
    table: str


def _in_the_database(settings: Settings, _: Path) -> tuple[Settings, dict[str, int]]:
    with connect(settings.require_target()) as conn:
        return settings, create_legacy(conn, settings.legacy_schema)


def _in_a_file(settings: Settings, folder: Path) -> tuple[Settings, dict[str, int]]:
    file = folder / "fluxion.duckdb"
    made = create_fluxion(file, lines=_LINES, dirt=_DIRT)
    return replace(settings, legacy_url=f"{DUCKDB_SCHEME}{file}", legacy_schema="main"), made.rows


_SAMPLES = {
    "tinkubot": _Sample(_in_the_database, "messages"),
    "fluxion": _Sample(_in_a_file, "items_facturas"),
}


def demo(plan: Plan, console: Console, *, keep: bool) -> dict[str, Any]:
    """Migrate the sample, roll back to 0, migrate again; the answer is that of the last run.

    With `keep` the server stays up and its URL is printed. Raises UsageProblem for a system
    that has no sample.
    """
    if plan.system not in _SAMPLES:
        raise UsageProblem(
            f"{plan.system} has no sample legacy",
            " or ".join(f"traspaso demo {system}" for system in _SAMPLES),
        )
    sample = _SAMPLES[plan.system]
    # Not below the project: the server's user may not be able to enter it, and a socket's path
    # must be short.
    folder = Path(tempfile.mkdtemp(prefix="traspaso-demo-"))
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "pg")
    backup_dir = PROJECT_DIR / "target" / "demo" / plan.system / "backups"
    shutil.rmtree(backup_dir, ignore_errors=True)
    settings = Settings(target_url=None, backup_dir=backup_dir)
    try:
        server.start()
        url = server.create_database("demo")
        settings, rows = sample.make(replace(settings, target_url=url), folder)
        answer = _show(settings, plan, console, rows, sample.table)
    except BaseException:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _say_what_next(settings, plan, console, keep=keep)
    if not keep:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)
    return answer | {"url": settings.target_url if keep else None}


def _show(
    settings: Settings, plan: Plan, console: Console, rows: dict[str, int], table: str
) -> dict[str, Any]:
    quiet = replace(console, as_json=True, stdout=_nowhere()) if console.as_json else console
    quiet.line(f"A legacy {plan.title}: {sum(rows.values()):,} rows in {len(rows)} tables, "
               "some of them dirty.")  # fmt: skip
    commands.show_plan(settings, plan, quiet)
    phases = list(range(_LAST + 1))
    for title in ("\nForward, phases 0 to 3", "\nForward again"):
        quiet.line(title)
        answer = commands.run(settings, plan, quiet, phases, ignore_window=True)
        if title.endswith("again"):
            break
        quiet.line("\nThe balance: each legacy row has one fate")
        commands.validate(settings, plan, quiet)
        quiet.line("\nRows that could not be loaded as they are, and why")
        commands.fates_summary(settings, plan, quiet)
        quiet.line(f"\nThe first of them, of {table}")
        commands.fates_list(settings, plan, quiet, table=table)
        quiet.line("\nBack to phase 0: the database as it was found")
        commands.rollback(settings, plan, quiet, 0)
    return answer | {"proof": commands.validate(settings, plan, quiet)}


def _say_what_next(settings: Settings, plan: Plan, console: Console, *, keep: bool) -> None:
    console.line("")
    console.line(f"backups     {settings.backup_dir}")
    console.line(f"mapping     traspaso mapping {plan.system}")
    console.line("lineage     traspaso docs")
    if keep:
        console.line(f"server      {settings.target_url}")
        console.line(f"to look     export TRASPASO_TARGET_URL='{settings.target_url}'")
        if settings.legacy_url:
            console.line(f"            export TRASPASO_LEGACY_URL='{settings.legacy_url}'")
        console.next(f"traspaso validate {plan.system}")
    else:
        console.next(f"traspaso demo {plan.system} --keep, to look around in the database")


def _nowhere() -> Any:
    return Path(os.devnull).open("w", encoding="utf-8")
