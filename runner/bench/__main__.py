"""`python -m runner.bench`: its sections, on embedded servers."""

import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import psycopg

from runner.bench import application, fluxion, migration, switch, triggers
from runner.console import Console
from runner.db import explain
from runner.errors import TraspasoError
from runner.server import EmbeddedServer

MIGRATION, APPLICATION, TRIGGERS = "migration", "application", "triggers"
SWITCH, FLUXION = "switch", "fluxion"

# What the migration's seconds on the server are told by.
_SETTINGS = {"shared_preload_libraries": "pg_stat_statements"}

_MESSAGES = {MIGRATION: 200_000, APPLICATION: 20_000, TRIGGERS: 20_000, SWITCH: 100_000}
_LINES = 2_000_000


def bench(
    only: str | None,
    console: Console,
    *,
    messages: int | None,
    lines: int,
    rounds: int,
    load: application.Load,
    pairs: int,
) -> None:
    """Measure, print, and leave nothing behind. Raises StepFailed where a promise is not kept."""
    folder = Path(tempfile.mkdtemp(prefix="traspaso-bench-"))
    # The server's user must be able to enter it.
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "pg", settings=_SETTINGS)
    try:
        if only != TRIGGERS:
            server.start()
        if only in {None, MIGRATION}:
            migration.bench(
                server, folder, console, messages=messages or _MESSAGES[MIGRATION], rounds=rounds
            )
        if only in {None, APPLICATION}:
            application.bench(
                server, folder, console, messages=messages or _MESSAGES[APPLICATION], load=load
            )
        if only in {None, SWITCH}:
            switch.bench(server, folder, console, messages=messages or _MESSAGES[SWITCH], load=load)
        if only in {None, FLUXION}:
            fluxion.bench(server, folder, console, lines=lines, rounds=rounds)
        server.stop()
        if only in {None, TRIGGERS}:
            triggers.bench(folder, console, messages=messages or _MESSAGES[TRIGGERS], pairs=pairs)
    finally:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)


@click.command()
@click.option("--only", type=click.Choice([*_MESSAGES, FLUXION]), help="One of them.")
@click.option(
    "--messages",
    type=click.IntRange(1),
    help=f"[default: {_MESSAGES[MIGRATION]:,}; of the switch {_MESSAGES[SWITCH]:,}; "
    f"of the other two {_MESSAGES[APPLICATION]:,}]",
)
@click.option(
    "--lines",
    type=click.IntRange(1),
    default=_LINES,
    show_default=True,
    help="Of Fluxion's invoices; 8,000,000 is the large measurement.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Of the migration, and of fluxion.",
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
@click.option(
    "--pairs", type=click.IntRange(2), default=40, show_default=True, help="Of the triggers."
)
def main(
    only: str | None,
    messages: int | None,
    lines: int,
    rounds: int,
    pairs: int,
    **load: Any,
) -> None:
    """Measure how fast TinkuBot's and Fluxion's migrations are, and what an application notices."""
    # Whoever ends the process wants the server gone too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console()
    try:
        bench(
            only,
            console,
            messages=messages,
            lines=lines,
            rounds=rounds,
            load=application.Load(**load),
            pairs=pairs,
        )
    except (TraspasoError, psycopg.Error) as error:
        known = error if isinstance(error, TraspasoError) else explain(error)
        console.error(known)
        sys.exit(int(known.exit_code))


if __name__ == "__main__":
    main()
