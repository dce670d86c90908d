"""The command line: options in, exit code out. What a command does is in `commands`.

`commands` and what it imports are loaded by the command that runs: `--help` stays instant.
"""

import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import update_wrapper
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import click

from runner import __version__
from runner.console import Console
from runner.errors import ExitCode, Refused, StepFailed, TraspasoError, UsageProblem
from runner.plan import Plan, load_plan, systems
from runner.settings import Settings, redact

P = ParamSpec("P")
Answer = dict[str, Any]

_LAST_PHASE = 5

HELP = """Move a live legacy database into its Spanish PostgreSQL schema, phase by phase.

\b
Exit codes
  0  done
  1  a proof or a step failed
  2  usage
  3  refused: window, order, lock, missing --yes
  4  cannot reach or use a database

\b
Environment
  TRASPASO_TARGET_URL     postgresql://user:password@host:5432/database
  TRASPASO_LEGACY_URL     unset where the legacy is in the target database
  TRASPASO_LEGACY_SCHEMA  public
  TRASPASO_TARGET_SCHEMA  public
  TRASPASO_BACKUP_DIR     ./backups
  TRASPASO_BACKUP_KEY     encrypts the backups: a passphrase, or AGE-SECRET-KEY-1…
  TRASPASO_PARTITIONED    final tables to partition, see `traspaso doctor`: items_facturas,…
  TRASPASO_BACKUP_S3      uploads them: s3://bucket/prefix (pip install 'traspaso[s3]')
"""


@dataclass
class Session:
    """What every command gets: where to print, the settings and, with a system, its plan."""

    console: Console
    system: str = ""

    @property
    def settings(self) -> Settings:
        """The settings of the environment; raises UsageProblem."""
        return Settings.from_env(os.environ)

    @property
    def plan(self) -> Plan:
        """The plan of the system; raises UsageProblem."""
        return load_plan(self.system)

    def confirm(self, yes: bool, question: str, command: str) -> None:
        """Ask before something is changed; raises Refused without an answer."""
        if yes:
            return
        if self.console.as_json or not sys.stdin.isatty():
            raise Refused("this changes the database and needs --yes", f"traspaso {command} --yes")
        if not click.confirm(question, err=True):
            raise Refused("nothing was done", f"traspaso {command}")


def verb(command: Callable[Concatenate[Session, P], Answer]) -> Callable[P, None]:
    """Make a function a command: give it the session, print its answer, set the exit code."""

    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        context = click.get_current_context()
        session: Session = context.obj
        answer = command(session, *args, **kwargs)
        session.console.answer(answer)
        if answer.get("status") in {"fail", "failed"}:
            context.exit(ExitCode.FAILED)

    return update_wrapper(run, command)


@click.group(help=HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, nothing else.")
@click.option("-v", "--verbose", is_flag=True, help="Say more on stderr.")
@click.version_option(__version__, prog_name="traspaso")
@click.pass_context
def cli(context: click.Context, as_json: bool, verbose: bool) -> None:
    """Hold what all commands share."""
    context.obj = Session(Console(as_json=as_json, verbose=verbose))


def _remember(context: click.Context, _: click.Parameter, value: str) -> str:
    context.obj.system = value
    return value


system = click.argument("system", callback=_remember, expose_value=False)
yes = click.option("--yes", is_flag=True, help="Do not ask.")


@cli.command("systems")
@verb
def list_systems(session: Session) -> Answer:
    """List the systems."""
    for name in systems():
        session.console.line(name)
    return {"systems": list(systems())}


@cli.command()
@system
@verb
def doctor(session: Session) -> Answer:
    """Look for every problem at once; reads only."""
    from runner import commands

    return commands.doctor(session.settings, session.plan, session.console)


@cli.command()
@system
@verb
def plan(session: Session) -> Answer:
    """Show phases, tables and rows, and the window; reads only."""
    from runner import commands

    return commands.show_plan(session.settings, session.plan, session.console)


@cli.command()
@system
@verb
def rehearse(session: Session) -> Answer:
    """Run every phase and every way back on a restored copy, and time them."""
    from runner import commands

    return commands.rehearse(session.settings, session.plan, session.console)


@cli.command()
@system
@click.option("--phase", type=click.IntRange(0, _LAST_PHASE), help="Run this phase only.")
@click.option("--through", type=click.IntRange(0, _LAST_PHASE), help="Run 0 up to this one.")
@yes
@click.option("--ignore-window", is_flag=True, help="Run outside the plan's window too.")
@click.option("--overrun", is_flag=True, help="Go on when the way back needs the time left.")
@verb
def run(
    session: Session,
    phase: int | None,
    through: int | None,
    yes: bool,
    ignore_window: bool,
    overrun: bool,
) -> Answer:
    """Run phases, continuing what was interrupted."""
    from runner import commands

    if phase is not None and through is None:
        phases, option = [phase], f"--phase {phase}"
    elif through is not None and phase is None:
        phases, option = list(range(through + 1)), f"--through {through}"
    else:
        raise UsageProblem(
            "say which phases: either --phase N or --through N",
            f"traspaso run {session.system} --through 3",
        )
    settings, chosen = session.settings, session.plan
    settings.require_run_target()
    if phases != [0]:
        names = ", ".join(f"{number} {chosen.phase(number).name}" for number in phases)
        session.confirm(yes, f"Run {names}?", f"run {session.system} {option}")
    return commands.run(
        settings, chosen, session.console, phases, ignore_window=ignore_window, overrun=overrun
    )


@cli.command()
@system
@click.option("--every", metavar="60s", help="Again and again, with this pause: 30s, 5m.")
@verb
def sync(session: Session, every: str | None) -> Answer:
    """Bring what the application wrote since the last load."""
    from runner import commands

    pause = None if every is None else _seconds(every, f"sync {session.system} --every 60s")
    return commands.sync(session.settings, session.plan, session.console, every=pause)


def _seconds(text: str, example: str) -> float:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(s|m|h)?", text)
    if match is None:
        raise UsageProblem(f"{text} is no span of time", f"traspaso {example}")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2] or "s"]


@cli.command()
@system
@verb
def validate(session: Session) -> Answer:
    """Prove that nothing of what is loaded was lost; reads only."""
    from runner import commands

    return commands.validate(session.settings, session.plan, session.console)


@cli.command()
@system
@click.option(
    "--queries", type=click.Path(dir_okay=False, path_type=Path), required=True, metavar="FILE",
    help="The application's queries, in English.",
)  # fmt: skip
@click.option("--timeout", default="30s", metavar="30s", help="Of each statement.")
@click.option(
    "--rounds", type=click.IntRange(1), default=5, show_default=True,
    help="How often each side is timed.",
)  # fmt: skip
@click.option(
    "--limit", type=click.FloatRange(1), default=1.1, show_default=True,
    help="How many times as long a query may take.",
)  # fmt: skip
@verb
def shadow(session: Session, queries: Path, timeout: str, rounds: int, limit: float) -> Answer:
    """Run recorded queries on the legacy tables and on the compat views; reads only."""
    from runner import commands
    from runner.shadow import Options

    again = f"shadow {session.system} --queries {queries}"
    options = Options(_seconds(timeout, f"{again} --timeout 30s"), rounds, limit)
    return commands.shadow(session.settings, session.plan, session.console, queries, options)


@cli.command()
@system
@verb
def status(session: Session) -> Answer:
    """Say where a system stands; reads only."""
    from runner import commands

    return commands.status(session.settings, session.plan, session.console)


@cli.command()
@system
@click.option("--to", type=click.IntRange(0, _LAST_PHASE), required=True, help="Back to its end.")
@yes
@verb
def rollback(session: Session, to: int, yes: bool) -> Answer:
    """Bring back the state as it was after a phase, after showing what that takes."""
    from runner import commands

    settings, chosen = session.settings, session.plan
    commands.preview_rollback(settings, chosen, session.console, to)
    session.confirm(yes, "Do this?", f"rollback {session.system} --to {to}")
    return commands.rollback(settings, chosen, session.console, to)


@cli.group()
@system
def backup() -> None:
    """Make, list, verify, upload, restore and prune backups."""


@backup.command("create")
@verb
def backup_create(session: Session) -> Answer:
    """Dump all that the phases can touch, with the checksum of every table."""
    from runner import commands

    return commands.backup_create(session.settings, session.plan, session.console)


@backup.command("list")
@verb
def backup_list(session: Session) -> Answer:
    """List the backups; reads only."""
    from runner import commands

    return commands.backup_list(session.settings, session.plan, session.console)


@backup.command("verify")
@click.argument("backup_id", required=False)
@verb
def backup_verify(session: Session, backup_id: str | None) -> Answer:
    """Restore a backup to a scratch database and compare; the newest without an id."""
    from runner import commands

    return commands.backup_verify(session.settings, session.plan, session.console, backup_id)


@backup.command("upload")
@click.argument("backup_id", required=False)
@verb
def backup_upload(session: Session, backup_id: str | None) -> Answer:
    """Upload a backup to S3, what is missing there; the newest one here without an id."""
    from runner import commands

    return commands.backup_upload(session.settings, session.plan, session.console, backup_id)


@backup.command("restore")
@click.argument("backup_id")
@click.option("--table", help="Only the rows of this table.")
@click.option("--into", help="With --table: a copy in this schema instead, nothing replaced.")
@yes
@verb
def backup_restore(
    session: Session, backup_id: str, table: str | None, into: str | None, yes: bool
) -> Answer:
    """Put the database, or one table, back to what a backup holds, in one transaction."""
    from runner import commands

    command = f"backup {session.system} restore {backup_id}"
    if table is None:
        if into is not None:
            raise UsageProblem("--into needs --table", f"traspaso {command} --table TABLE")
        session.confirm(yes, f"Replace the schemas of {session.system} by {backup_id}?", command)
        return commands.backup_restore(session.settings, session.plan, session.console, backup_id)
    if into is None:
        question = f"Replace the rows of {table} by those of {backup_id}?"
        session.confirm(yes, question, f"{command} --table {table}")
    return commands.backup_restore_table(
        session.settings, session.plan, session.console, backup_id, table, into=into
    )


@backup.command("prune")
@click.option("--keep", type=click.IntRange(1), help="Keep this many of the newest.")
@click.option("--days", type=click.IntRange(0), help="Keep those younger than this.")
@yes
@verb
def backup_prune(session: Session, keep: int | None, days: int | None, yes: bool) -> Answer:
    """Delete old backups, never the last verified one; the plan says which, or the options."""
    from runner import commands

    settings, chosen = session.settings, session.plan
    options = "".join(
        f" --{name} {value}"
        for name, value in (("keep", keep), ("days", days))
        if value is not None
    )
    if not options:
        keep, days = chosen.backup.retention.count, chosen.backup.retention.days
    doomed = commands.backup_preview_prune(settings, chosen, session.console, keep=keep, days=days)
    if doomed:
        try:
            session.confirm(yes, "Delete these?", f"backup {session.system} prune{options}")
        except Refused as refused:
            refused.payload = {"deletes": doomed}
            raise
    return commands.backup_prune(settings, chosen, session.console, keep=keep, days=days)


@cli.group()
@system
def fates() -> None:
    """Show, export and retry the rows that were not simply loaded."""


@fates.command("list")
@click.option("--fate", type=click.Choice(["merged", "quarantined", "excluded"]))
@click.option("--table", help="Of this legacy table only.")
@click.option("--reason", help="With this reason only, e.g. telefono:unique.")
@click.option("--limit", type=click.IntRange(1), help="At most this many rows.")
@verb
def fates_list(
    session: Session, fate: str | None, table: str | None, reason: str | None, limit: int | None
) -> Answer:
    """List them with their reasons; reads only."""
    from runner import commands

    return commands.fates_list(
        session.settings, session.plan, session.console,
        fate=fate, table=table, reason=reason, limit=limit,
    )  # fmt: skip


@fates.command("export")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True,
    help="A .csv or .jsonl file.",
)  # fmt: skip
@verb
def fates_export(session: Session, output: Path) -> Answer:
    """Write them to a file, whole legacy rows included."""
    from runner import commands

    return commands.fates_export(session.settings, session.plan, session.console, output)


@fates.command("retry")
@yes
@verb
def fates_retry(session: Session, yes: bool) -> Answer:
    """Load again: rows that were put right in the legacy leave the quarantine."""
    from runner import commands

    session.confirm(yes, "Load again?", f"fates {session.system} retry")
    return commands.fates_retry(session.settings, session.plan, session.console)


@cli.command()
@system
@click.option("--format", "form", type=click.Choice(["md", "csv", "json"]), default="md")
@verb
def mapping(session: Session, form: str) -> Answer:
    """Show which English table, column and value became which Spanish one."""
    from runner import commands

    return commands.show_mapping(session.settings, session.plan, session.console, form)


@cli.command()
@verb
def docs(session: Session) -> Answer:
    """Write the lineage docs as one static page."""
    from runner import commands

    return commands.docs(session.settings, session.console)


@cli.command()
@click.argument("system", default="tinkubot", callback=_remember, expose_value=False)
@click.option("--keep", is_flag=True, help="Leave the server up and print its URL.")
@verb
def demo(session: Session, keep: bool) -> Answer:
    """Start a PostgreSQL of its own, make a sample legacy and run all of it."""
    from runner import demo as demonstration

    return demonstration.demo(session.plan, session.console, keep=keep)


def _urls() -> list[str | None]:
    return [os.environ.get("TRASPASO_TARGET_URL"), os.environ.get("TRASPASO_LEGACY_URL")]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if threading.current_thread() is threading.main_thread():
        # Ended politely, it cleans up as after ^C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(as_json="--json" in given)
    try:
        code = cli.main(given, prog_name="traspaso", standalone_mode=False)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "traspaso"
        problem = UsageProblem(error.format_message(), f"{path} --help")
        console.error(problem)
        code = ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        console.error(StepFailed("interrupted", "say the same command again: it continues"))
        code = ExitCode.FAILED
    except TraspasoError as error:
        console.error(error, error.payload)
        code = error.exit_code
    except Exception as error:
        # A defect of ours: said in one line, with a trace for those who ask.
        if "-v" in given or "--verbose" in given:
            raise
        console.error(StepFailed(
            f"unexpected: {type(error).__name__}: {redact(str(error), *_urls())}",
            "what was done before stays done; say the same command with -v and report it",
        ))  # fmt: skip
        code = ExitCode.FAILED
    sys.exit(int(code or 0))
