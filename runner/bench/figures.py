"""What several rounds of a measurement say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Self


@dataclass(frozen=True)
class Spread:
    """The median of several values, and between what they lie."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Summarize at least one value: the least and the greatest."""
        return cls(median(values), min(values), max(values))

    @classmethod
    def middle(cls, values: Sequence[float]) -> Self:
        """Summarize at least two values: between what the middle half lies."""
        low, middle, high = quantiles(values, n=4, method="inclusive")
        return cls(middle, low, high)


def ratios(
    values: Sequence[float],
    limits: Sequence[float],
    summarize: Callable[[Sequence[float]], Spread] = Spread.of,
) -> Spread:
    """Hold each round's value against that round's limit."""
    return summarize([value / limit for value, limit in zip(values, limits, strict=True)])


def figure(value: float) -> str:
    """Write a value so that it stands below its like."""
    return f"{value:>7.2f}"
