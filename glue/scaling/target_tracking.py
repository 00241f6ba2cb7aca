"""Target tracking: as many instances as keep a metric near its target.

https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
AWS publishes neither its formula nor the settings of its alarms. Here capacity is proportional to the metric, rounded
up; the alarms are those seen on AWS: 3 minutes above the target, 15 minutes below 90 % of it.
"""

import math
from dataclasses import dataclass

from glue.scaling.alarms import AlarmRule

DEFAULT_COOLDOWN = 300
"""Seconds of either cooldown where a policy for SageMaker names none."""

_LOW_SHARE = 0.9


@dataclass(frozen=True)
class TargetTracking:
    """A target tracking policy. Cooldowns in seconds."""

    name: str
    target: float
    scale_in_cooldown: int = DEFAULT_COOLDOWN
    scale_out_cooldown: int = DEFAULT_COOLDOWN
    scales_in: bool = True

    @property
    def high_alarm(self) -> AlarmRule:
        """When to scale out."""
        return AlarmRule("GreaterThanThreshold", self.target, 60, 3, 3)

    @property
    def low_alarm(self) -> AlarmRule:
        """When to scale in."""
        return AlarmRule("LessThanThreshold", self.target * _LOW_SHARE, 60, 15, 15)

    def wanted(self, capacity: int, metric: float) -> int:
        """The capacity at which a metric that is now `metric` per instance would be no more than the target.

        Without instances, the metric counts as that of one: so it is published.
        """
        return math.ceil(max(capacity, 1) * metric / self.target)
