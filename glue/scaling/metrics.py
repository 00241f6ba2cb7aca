"""What a metric's samples come to: statistics over periods.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")


@dataclass(frozen=True)
class Sample:
    """Values that a metric had at `moment`. `values` is empty where only their summary is known."""

    moment: datetime
    minimum: float
    maximum: float
    total: float
    count: float
    values: Sequence[float] = ()

    @classmethod
    def of(cls, moment: datetime, values: Sequence[float]) -> "Sample":
        """The sample of one or more values."""
        return cls(moment, min(values), max(values), math.fsum(values), len(values), values)


@dataclass(frozen=True)
class Datapoint:
    """The value of a statistic over the period that starts at `moment`."""

    moment: datetime
    value: float


def is_statistic(name: str) -> bool:
    """Whether `statistic` can work it out."""
    return name in _SUMMARIES or _PERCENTILE.fullmatch(name) is not None


def statistic(name: str, samples: Sequence[Sample]) -> float | None:
    """`Average`, `Sum`, `Minimum`, `Maximum`, `SampleCount` or a percentile (`p99`); None where nothing tells.

    A percentile is the smallest value that is not below that share of all values; samples that carry only their
    summary have none.

    Raises:
        ValueError: another statistic.
    """
    if not samples:
        return None
    if name in _SUMMARIES:
        return _SUMMARIES[name](samples)
    match = _PERCENTILE.fullmatch(name)
    if match is None:
        raise ValueError(f"statistic {name}: allowed are {', '.join(_SUMMARIES)} and percentiles such as p99")
    values = sorted(value for sample in samples for value in sample.values)
    if len(values) < sum(sample.count for sample in samples):
        return None
    return values[max(0, math.ceil(float(match[1]) / 100 * len(values)) - 1)]


def datapoints(
    samples: Iterable[Sample], name: str, *, end: datetime, period: int, count: int
) -> list[Datapoint | None]:
    """The statistic over each of the last `count` periods of `period` seconds before `end`, oldest first."""
    length = timedelta(seconds=period)
    start = end - count * length
    periods: list[list[Sample]] = [[] for _ in range(count)]
    for sample in samples:
        if start <= sample.moment < end:
            periods[(sample.moment - start) // length].append(sample)
    values = [statistic(name, held) for held in periods]
    return [None if value is None else Datapoint(start + number * length, value) for number, value in enumerate(values)]


def _total(samples: Sequence[Sample]) -> float:
    return math.fsum(sample.total for sample in samples)


def _count(samples: Sequence[Sample]) -> float:
    return sum(sample.count for sample in samples)


_SUMMARIES: dict[str, Callable[[Sequence[Sample]], float]] = {
    "Average": lambda samples: _total(samples) / _count(samples),
    "Sum": _total,
    "Minimum": lambda samples: min(sample.minimum for sample in samples),
    "Maximum": lambda samples: max(sample.maximum for sample in samples),
    "SampleCount": _count,
}
