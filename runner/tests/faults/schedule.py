"""Which kills are tried: every boundary, before and after, and random moments between."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence

from runner.tests.faults.trial import BACK, PHASES, SWITCH, THROUGH, Kill, Trial

_VICTIMS = ("runner", "group", "backend", "session", "server")
_CHAINED = 0.25
_LONGEST_CHAIN = 3
# How many of the random kills of the switch and of the way back are within a transaction.
_INSIDE = 0.7
# How many of the kills are at boundaries; of 400 it is all of them, before and after.
_BOUNDARIES = 0.78
# How much of a run the short schedule's boundaries are drawn from: which waits are commits of
# their own depends on the machine, so that the last one counted may not come again.
_SURE = 0.75


def schedule(
    counts: Mapping[int, Counter[str]],
    seconds: Mapping[int, float],
    kills: int,
    seeds: list[int],
    rng: random.Random,
    *,
    stages: Sequence[int],
) -> list[Trial]:
    """Return trials with about that many kills: what the undisturbed runs counted is covered.

    Each seed's trials stand together.
    """
    planned: list[tuple[int, list[Kill]]] = [
        (phase, [Kill(event, n, _VICTIMS[number % len(_VICTIMS)])])
        for number, (phase, event, n) in enumerate(
            _boundaries(counts, stages, rng)[: round(kills * _BOUNDARIES)]
        )
    ]
    while sum(len(chain) for _, chain in planned) < kills:
        phase = rng.choice(stages)
        length = rng.randint(2, _LONGEST_CHAIN) if rng.random() < _CHAINED else 1
        planned.append((phase, [_random(phase, counts, seconds, rng) for _ in range(length)]))
    rng.shuffle(planned)
    share = -(-len(planned) // len(seeds))
    return [
        Trial(seeds[n // share], phase, tuple(chain)) for n, (phase, chain) in enumerate(planned)
    ]


def short(
    counts: Mapping[int, Counter[str]],
    seconds: Mapping[int, float],
    seed: int,
    rng: random.Random,
    *,
    stages: Sequence[int] = PHASES,
) -> list[Trial]:
    """Return a trial for each stage, to be killed three times in a row, twice at boundaries.

    The first kill always comes; a run that is continued is a shorter one, and may end before.
    """
    trials = []
    for phase in stages:
        chain = [
            Kill(event, rng.randint(1, int(counts[phase][event] * _SURE)), rng.choice(_VICTIMS))
            for event in ("before", "after")
        ]
        rng.shuffle(chain)
        trials.append(Trial(seed, phase, (*chain, _random(phase, counts, seconds, rng))))
    return trials


def _boundaries(
    counts: Mapping[int, Counter[str]], stages: Sequence[int], rng: random.Random
) -> list[tuple[int, str, int]]:
    """Return every boundary once, before or after it, and then each the other way."""
    points = [
        (stage, n)
        for stage in stages
        if stage != THROUGH
        for n in range(1, counts[stage]["before"] + 1)
    ]
    rng.shuffle(points)
    sides = [("before", "after") if rng.random() < 0.5 else ("after", "before") for _ in points]
    return [
        (phase, side[turn], n)
        for turn in (0, 1)
        for (phase, n), side in zip(points, sides, strict=True)
    ]


def _random(
    phase: int,
    counts: Mapping[int, Counter[str]],
    seconds: Mapping[int, float],
    rng: random.Random,
) -> Kill:
    if phase == 0 and rng.random() < 0.5:
        # Only here rows are copied and restored, by programs that may outlive the runner.
        event = rng.choice(("copy", "copyin", "restore"))
        victim = rng.choice(("orphans", "connection", "runner", "server"))
        return Kill(event, rng.randint(1, counts[phase][event]), victim)
    if phase in {SWITCH, BACK} and rng.random() < _INSIDE:
        victim = rng.choice((*_VICTIMS, "connection"))
        return Kill("inside", rng.randint(1, counts[phase]["inside"]), victim)
    if rng.random() < 0.5:
        most = int(seconds[phase] * 1000)
        return Kill("time", rng.randint(1, most), rng.choice((*_VICTIMS, "connection")))
    victim = rng.choice((*_VICTIMS, "connection"))
    return Kill("message", rng.randint(1, counts[phase]["message"]), victim)
