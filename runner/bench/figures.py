"""What several rounds of a measurement say."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self


@dataclass(frozen=True)
class Spread:
    """Median, minimum and maximum of several values."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Summarize at least one value."""
        return cls(median(values), min(values), max(values))


def ratios(values: Sequence[float], limits: Sequence[float]) -> Spread:
    """Hold each round's value against that round's limit."""
    return Spread.of([value / limit for value, limit in zip(values, limits, strict=True)])


def figure(value: float) -> str:
    """Write a value so that it stands below its like."""
    return f"{value:>7.2f}"
