"""What recent scaling forbids for a while.

After a scale-in there is no other until its cooldown is over; a scale-out ends it. After a scale-out, its policy may
scale out further, but what it has added counts: it is reckoned from the capacity before.
https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html#target-tracking-cooldown
https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html#step-scaling-cooldown
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from glue.scaling.step_scaling import StepScaling
from glue.scaling.target_tracking import TargetTracking

Policy = TargetTracking | StepScaling


@dataclass(frozen=True)
class ScaleOut:
    """A scale-out whose cooldown lasts until `until`, from `base` instances."""

    base: int
    until: datetime


@dataclass(frozen=True)
class Cooldowns:
    """The cooldowns of one scalable target; scale-outs by policy."""

    no_scale_in_until: datetime | None = None
    scale_outs: Mapping[str, ScaleOut] = field(default_factory=dict)

    def scale_in_waits(self, now: datetime) -> datetime | None:
        """Until when a scale-in has to wait; None when it need not."""
        until = self.no_scale_in_until
        return until if until is not None and now < until else None

    def base(self, policy: str, capacity: int, now: datetime) -> int:
        """The capacity from which a scale-out of `policy` is reckoned."""
        last = self.scale_outs.get(policy)
        return min(last.base, capacity) if last and now < last.until else capacity

    def after(self, policy: Policy, before: int, capacity: int, completed: datetime) -> "Cooldowns":
        """The cooldowns once `policy` has brought `before` instances to `capacity`."""
        if capacity < before:
            until = completed + timedelta(seconds=policy.scale_in_cooldown)
            return Cooldowns(until, self.scale_outs)
        base = self.base(policy.name, before, completed)
        scale_out = ScaleOut(base, completed + timedelta(seconds=policy.scale_out_cooldown))
        return Cooldowns(None, {**self.scale_outs, policy.name: scale_out})
