"""Step scaling: the further a metric is beyond its alarm's threshold, the larger the step.

https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

DEFAULT_COOLDOWN = 300
"""Seconds of the cooldown where a policy for SageMaker names none."""


class Adjustment(StrEnum):
    """What the number of a step is."""

    CHANGE = "ChangeInCapacity"
    EXACT = "ExactCapacity"
    PERCENT = "PercentChangeInCapacity"


@dataclass(frozen=True)
class Step:
    """An adjustment, and the interval of the breach (metric minus threshold) in which it applies; None is unbounded."""

    adjustment: int
    lower: float | None = None
    upper: float | None = None

    def covers(self, breach: float) -> bool:
        """Whether `breach` lies in the interval: from `lower` to below `upper`, or, for a breach below zero, from above
        `lower` to `upper`.
        """
        lower = -math.inf if self.lower is None else self.lower
        upper = math.inf if self.upper is None else self.upper
        return lower < breach <= upper if breach < 0 else lower <= breach < upper


@dataclass(frozen=True)
class StepScaling:
    """A step scaling policy. `cooldown` in seconds; `least_change` is instances, for percentages only."""

    name: str
    kind: Adjustment
    steps: Sequence[Step]
    cooldown: int = DEFAULT_COOLDOWN
    least_change: int = 0

    @property
    def scale_in_cooldown(self) -> int:
        """Seconds without another scale-in."""
        return self.cooldown

    @property
    def scale_out_cooldown(self) -> int:
        """Seconds in which what was added counts towards the next scale-out."""
        return self.cooldown

    def wanted(self, capacity: int, breach: float) -> int | None:
        """The capacity that follows `capacity` at a breach; None where no step covers it."""
        step = next((step for step in self.steps if step.covers(breach)), None)
        if step is None:
            return None
        if self.kind is Adjustment.EXACT:
            return step.adjustment
        if self.kind is Adjustment.CHANGE:
            return capacity + step.adjustment
        return capacity + self._percentage(capacity, step.adjustment)

    def _percentage(self, capacity: int, percent: int) -> int:
        """Instances of a percentage: rounded towards zero, but at least one and at least `least_change`."""
        if percent == 0:
            return 0
        exact = abs(capacity * percent) / 100
        change = max(math.floor(exact), math.ceil(min(exact, 1)), self.least_change)
        return change if percent > 0 else -change
