"""The demonstration: a PostgreSQL of its own, a legacy with dirt in it, all phases, and back."""

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from runner import commands
from runner.console import Console
from runner.db import connect
from runner.errors import UsageProblem
from runner.plan import Plan
from runner.sample import create_legacy
from runner.server import EmbeddedServer
from runner.settings import PROJECT_DIR, Settings

_SYSTEMS = ("tinkubot",)
_LAST = 3


def demo(plan: Plan, console: Console, *, keep: bool) -> dict[str, Any]:
    """Migrate the sample, roll back to 0, migrate again; the answer is that of the last run.

    With `keep` the server stays up and its URL is printed. Raises UsageProblem for a system
    that has no sample.
    """
    if plan.system not in _SYSTEMS:
        raise UsageProblem(f"{plan.system} has no sample legacy", f"traspaso demo {_SYSTEMS[0]}")
    # Not below the project: the server's user may not be able to enter it, and a socket's path
    # must be short.
    folder = Path(tempfile.mkdtemp(prefix="traspaso-demo-"))
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "pg")
    backup_dir = PROJECT_DIR / "target" / "demo" / "backups"
    shutil.rmtree(backup_dir, ignore_errors=True)
    settings = Settings(target_url=None, backup_dir=backup_dir)
    try:
        server.start()
        url = server.create_database("demo")
        settings = replace(settings, target_url=url)
        answer = _show(settings, plan, console)
    except BaseException:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _say_what_next(settings, plan, console, keep=keep)
    if not keep:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)
    return answer | {"url": settings.target_url if keep else None}


def _show(settings: Settings, plan: Plan, console: Console) -> dict[str, Any]:
    quiet = replace(console, as_json=True, stdout=_nowhere()) if console.as_json else console
    with connect(settings.require_target()) as conn:
        rows = create_legacy(conn, settings.legacy_schema)
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
        quiet.line("\nThe first of them, of messages")
        commands.fates_list(settings, plan, quiet, table="messages")
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
        console.next(f"traspaso validate {plan.system}")
    else:
        console.next("make demo KEEP=1, to look around in the database")


def _nowhere() -> Any:
    return Path(os.devnull).open("w", encoding="utf-8")
