"""Which capacity a scalable target gets when alarms set off its policies.

Of several policies the one that wants the most instances wins. Target tracking policies scale in only together.
https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html
https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html#target-tracking-multiple-scaling-policies
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from glue.scaling.cooldowns import Cooldowns, Policy
from glue.scaling.target_tracking import TargetTracking


@dataclass(frozen=True)
class Bounds:
    """Fewest and most instances, and which scaling is suspended."""

    minimum: int
    maximum: int
    scales_in: bool = True
    scales_out: bool = True

    def clamp(self, capacity: int) -> int:
        """The nearest capacity within."""
        return min(max(capacity, self.minimum), self.maximum)


@dataclass(frozen=True)
class Trigger:
    """An alarm in state ALARM that has a policy as its action: the metric's newest value, and the alarm's threshold."""

    policy: Policy
    alarm: str
    metric: float
    threshold: float

    @property
    def is_low(self) -> bool:
        """Whether it is the alarm below a target."""
        return isinstance(self.policy, TargetTracking) and self.threshold < self.policy.target


@dataclass(frozen=True)
class Decision:
    """The capacity to set, whose doing it is, and why other triggers came to nothing."""

    capacity: int
    trigger: Trigger | None
    held: tuple[str, ...] = ()


def decide(
    triggers: Sequence[Trigger],
    capacity: int,
    bounds: Bounds,
    cooldowns: Cooldowns,
    now: datetime,
    *,
    policies: Iterable[Policy] = (),
) -> Decision:
    """What to do now. `policies` are all of the target, those that nothing set off included.

    The capacity of the decision is `capacity`, or within the bounds.
    """
    low = {trigger.policy.name for trigger in triggers if trigger.is_low}
    tracking = {one.name for one in policies if isinstance(one, TargetTracking) and one.scales_in}
    best: Decision | None = None
    held: list[str] = []
    for trigger in triggers:
        wanted = _proposal(trigger, capacity, bounds, cooldowns, now, awaited=tracking - low)
        if isinstance(wanted, str):
            held.append(f"{trigger.policy.name}: {wanted}")
        elif best is None or wanted > best.capacity:
            best = Decision(wanted, trigger)
    return Decision(best.capacity, best.trigger, tuple(held)) if best else Decision(capacity, None, tuple(held))


def _proposal(
    trigger: Trigger, capacity: int, bounds: Bounds, cooldowns: Cooldowns, now: datetime, *, awaited: set[str]
) -> int | str:
    """The capacity that one trigger wants, or why it gets none."""
    wanted = _wanted(trigger, capacity)
    if wanted is None:
        return f"no step covers a breach of {trigger.metric - trigger.threshold:g}"
    if wanted > capacity:
        base = cooldowns.base(trigger.policy.name, capacity, now)
        return _scale_out(_wanted(trigger, base) or 0, capacity, bounds)
    if wanted < capacity:
        waits = cooldowns.scale_in_waits(now)
        return _scale_in(trigger.policy, wanted, capacity, bounds, waits=waits, awaited=awaited)
    return f"{capacity} is what it takes"


def _scale_out(wanted: int, capacity: int, bounds: Bounds) -> int | str:
    limited = bounds.clamp(wanted)
    obstacles = (
        (not bounds.scales_out, "scaling out is suspended"),
        (wanted <= capacity, f"cooldown: its last scale-out has brought the {wanted} that it wants"),
        (limited <= capacity, f"the maximum is {bounds.maximum}"),
    )
    return next((reason for applies, reason in obstacles if applies), limited)


def _scale_in(
    policy: Policy,
    wanted: int,
    capacity: int,
    bounds: Bounds,
    *,
    waits: datetime | None,
    awaited: set[str],
) -> int | str:
    limited = bounds.clamp(wanted)
    tracks = isinstance(policy, TargetTracking)
    obstacles = (
        (not bounds.scales_in, "scaling in is suspended"),
        (isinstance(policy, TargetTracking) and not policy.scales_in, "it does not scale in"),
        (tracks and bool(awaited), f"{', '.join(sorted(awaited))} is not ready to scale in"),
        (limited >= capacity, f"the minimum is {bounds.minimum}"),
        (waits is not None, f"cooldown of the last scale-in until {waits}"),
    )
    return next((reason for applies, reason in obstacles if applies), limited)


def _wanted(trigger: Trigger, capacity: int) -> int | None:
    if isinstance(trigger.policy, TargetTracking):
        wanted = trigger.policy.wanted(capacity, trigger.metric)
        return min(wanted, capacity) if trigger.is_low else max(wanted, capacity)
    return trigger.policy.wanted(capacity, trigger.metric - trigger.threshold)
