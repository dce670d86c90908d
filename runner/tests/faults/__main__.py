"""`make faults`: kill a migration everywhere, and print what became of it."""

import random
import secrets
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click

from runner.tests.conftest import servers
from runner.tests.faults.picture import FLUXION, TINKUBOT
from runner.tests.faults.schedule import schedule
from runner.tests.faults.table import render, tally
from runner.tests.faults.trial import NAMES, STAGES, Outcome, Site, Trial

_TRIALS_PER_LEGACY = 80


@dataclass(frozen=True)
class Order:
    """What is to be tried out on each server; `only` are trials that are repeated."""

    system: str
    kills: int
    seed: int
    stages: Sequence[int]
    only: tuple[str, ...]
    verbose: bool


_printing = threading.Lock()
_stopping = threading.Event()


@click.command()
@click.option("--kills", default=600, show_default=True, help="How many on each server.")
@click.option("--seed", type=int, help="The same seed kills at the same moments.")
@click.option("--pg", "majors", multiple=True, type=int, help="A server version; more than once.")
@click.option(
    "--stage",
    "stages",
    multiple=True,
    type=click.Choice(NAMES),
    help="Of these alone; more than once.",
)
@click.option(
    "--system",
    "systems",
    multiple=True,
    type=click.Choice([TINKUBOT, FLUXION]),
    default=(TINKUBOT, FLUXION),
    show_default=True,
    help="Of this alone.",
)
@click.option("--trial", "only", multiple=True, help="Repeat just this one, as it was printed.")
@click.option("-v", "--verbose", is_flag=True, help="A line for each trial.")
def main(  # noqa: PLR0917  # click gives them by name
    kills: int,
    seed: int | None,
    majors: tuple[int, ...],
    stages: tuple[str, ...],
    systems: tuple[str, ...],
    only: tuple[str, ...],
    verbose: bool,
) -> None:
    """Kill migrations at every step boundary and at random moments; exit 1 for any fault."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    seed = secrets.randbelow(10**6) if seed is None else seed
    found = servers()
    if missing := set(majors) - set(found):
        raise click.UsageError(f"no PostgreSQL {min(missing)} here, only {sorted(found)}")
    chosen = {major: found[major] for major in (majors or found)}
    if only and len(systems) > 1:
        raise click.UsageError("a trial is of one system: --system tinkubot or --system fluxion")
    _say(f"seed {seed}, PostgreSQL {', '.join(map(str, chosen))}, {kills} kills on each")
    failed = 0
    for system in systems:
        every = STAGES[system]
        named = [NAMES.index(name) for name in stages] or every
        stages_of_it = [stage for stage in named if stage in every]
        order = Order(system, kills, seed, stages_of_it, only, verbose)
        failed += _all_servers(chosen, order)
        if _stopping.is_set():
            break
    if failed or _stopping.is_set():
        _say(f"\n{failed} trials failed{', not all were tried' if _stopping.is_set() else ''}")
        sys.exit(1)
    _say("\nall as it must be")


def _all_servers(chosen: Mapping[int, Path], order: Order) -> int:
    """Try one system out on every server; return how many trials failed."""
    outcomes: dict[int, list[Outcome]] = {major: [] for major in chosen}
    with ThreadPoolExecutor(len(chosen)) as pool:
        works = [
            pool.submit(_work, major, bin_dir, order, outcomes[major])
            for major, bin_dir in chosen.items()
        ]
        try:
            for work in works:
                work.result()
        except KeyboardInterrupt:
            # The servers are stopped by those who started them, after the trial they are at.
            for impatient in (signal.SIGINT, signal.SIGTERM):
                signal.signal(impatient, signal.SIG_IGN)
            _stopping.set()
            _say("ending after the trials at work")
        except BaseException:
            _stopping.set()
            raise
    return sum(_report(order.system, major, found) for major, found in outcomes.items())


def _report(system: str, major: int, outcomes: list[Outcome]) -> int:
    """Print the table of a server; return how many trials failed."""
    _say(f"\n{system}, PostgreSQL {major}: {len(outcomes)} trials")
    _say(render(tally(outcomes)))
    states = sum((outcome.states for outcome in outcomes), Counter[str]())
    _say("status after a kill: " + ", ".join(f"{s} {n}" for s, n in states.most_common()))
    if sides := sum((outcome.sides for outcome in outcomes), Counter[str]()):
        found = ", ".join(f"{name} {n}" for name, n in sides.most_common())
        _say(f"a kill of the switch or of the way back found: {found}")
    return sum(bool(outcome.faults) for outcome in outcomes)


def _work(major: int, bin_dir: Path, order: Order, outcomes: list[Outcome]) -> None:
    rng = random.Random(f"{order.seed}/{major}")  # noqa: S311  # to be repeated
    with Site(bin_dir, system=order.system) as site:
        if order.only:
            trials = [Trial.parse(text) for text in order.only]
        else:
            seeds = [rng.randrange(10**6) for _ in range(-(-order.kills // _TRIALS_PER_LEGACY))]
            site.prepare(seeds[0])
            trials = schedule(
                site.counts, site.seconds, order.kills, seeds, rng, stages=order.stages
            )
            for phase, labels in site.labels.items():
                seen = (
                    f"{len(labels)} boundaries, {site.counts[phase]['inside']} statements inside, "
                )
                seen += f"{site.counts[phase]['message']} messages"
                _say(f"PostgreSQL {major}, phase {NAMES[phase]}: {seen}")
        began = time.monotonic()
        for number, trial in enumerate(trials, 1):
            if _stopping.is_set():
                break
            outcome = site.try_out(trial)
            outcomes.append(outcome)
            if order.verbose or outcome.faults:
                _tell(order.system, major, outcome)
            if number % 20 == 0:
                pace = (time.monotonic() - began) / number
                _say(f"PostgreSQL {major}: {number} of {len(trials)} trials, {pace:.1f} s each")


def _tell(system: str, major: int, outcome: Outcome) -> None:
    where = "; ".join(label for _, label in outcome.killed) or "not reached"
    _say(f"{'FAULT' if outcome.faults else 'ok'} {outcome.trial} ({where}) {outcome.seconds:.1f} s "
         f"{dict(outcome.states)}")  # fmt: skip
    for fault in outcome.faults:
        _say(f"    {fault[:1500]}")
    if outcome.faults:
        _say(
            f"    again: python -m runner.tests.faults --system {system} --pg {major} "
            f"--trial {outcome.trial}"
        )


def _say(text: str) -> None:
    with _printing:
        click.echo(text)


if __name__ == "__main__":
    main()
