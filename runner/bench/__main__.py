"""`python -m runner.bench`: the two sections, on one embedded server."""

import shutil
import signal
import sys
import tempfile
from pathlib import Path

import click
import psycopg

from runner.bench import application, migration
from runner.console import Console
from runner.db import explain
from runner.errors import TraspasoError
from runner.server import EmbeddedServer

MIGRATION, APPLICATION = "migration", "application"

# What the migration's seconds on the server are told by.
_SETTINGS = {"shared_preload_libraries": "pg_stat_statements"}

_MESSAGES = {MIGRATION: 200_000, APPLICATION: 20_000}


def bench(
    only: str | None, console: Console, *, messages: int | None, rounds: int, load: application.Load
) -> None:
    """Measure, print, and leave nothing behind. Raises StepFailed where a promise is not kept."""
    folder = Path(tempfile.mkdtemp(prefix="traspaso-bench-"))
    # The server's user must be able to enter it.
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "pg", settings=_SETTINGS)
    try:
        server.start()
        if only != APPLICATION:
            migration.bench(
                server, folder, console, messages=messages or _MESSAGES[MIGRATION], rounds=rounds
            )
        if only != MIGRATION:
            application.bench(
                server, folder, console, messages=messages or _MESSAGES[APPLICATION], load=load
            )
    finally:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)


@click.command()
@click.option("--only", type=click.Choice([MIGRATION, APPLICATION]), help="One of the two.")
@click.option(
    "--messages",
    type=click.IntRange(1),
    help=f"[default: {_MESSAGES[MIGRATION]:,}; of the application {_MESSAGES[APPLICATION]:,}]",
)
@click.option(
    "--rounds", type=click.IntRange(1), default=3, show_default=True, help="Of the migration."
)
@click.option(
    "--connections",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="Of the application.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0),
    default=0,
    help="Calls a second that the application makes; as fast as it can unless said.",
)
def main(
    only: str | None, messages: int | None, rounds: int, connections: int, rate: float
) -> None:  # fmt: skip
    """Measure TinkuBot's migration: how fast it is, and what the application notices of it."""
    # Whoever ends the process wants the server gone too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console()
    load = application.Load(connections, rate)
    try:
        bench(only, console, messages=messages, rounds=rounds, load=load)
    except (TraspasoError, psycopg.Error) as error:
        known = error if isinstance(error, TraspasoError) else explain(error)
        console.error(known)
        sys.exit(int(known.exit_code))


if __name__ == "__main__":
    main()
