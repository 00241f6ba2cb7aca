from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from glue.scaling.cooldowns import Cooldowns, Policy
from glue.scaling.decisions import Bounds, Trigger, decide
from glue.scaling.step_scaling import Adjustment, Step, StepScaling
from glue.scaling.target_tracking import TargetTracking

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TRACKING = TargetTracking("tracking", 10)
WAKE = StepScaling("wake", Adjustment.CHANGE, [Step(1, 0)])
HIGH = Trigger(TRACKING, "high", 40, TRACKING.high_alarm.threshold)
LOW = Trigger(TRACKING, "low", 0, TRACKING.low_alarm.threshold)
WOKEN = Trigger(WAKE, "backlog", 1, 1)
BOUNDS = Bounds(0, 3)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    name = draw(st.sampled_from("abc"))
    cooldowns = st.integers(0, 600)
    if draw(st.booleans()):
        target = draw(st.floats(0.5, 50))
        return TargetTracking(name, target, draw(cooldowns), draw(cooldowns), scales_in=draw(st.booleans()))
    kind = draw(st.sampled_from(list(Adjustment)))
    change = draw(st.integers(0, 200) if kind is Adjustment.EXACT else st.integers(-200, 200))
    return StepScaling(name, kind, [Step(change)], draw(cooldowns), draw(st.integers(0, 5)))


@st.composite
def triggers(draw: st.DrawFn) -> Trigger:
    policy = draw(policies())
    if isinstance(policy, StepScaling):
        return Trigger(policy, "alarm", draw(st.floats(-100, 100)), draw(st.floats(-10, 10)))
    if draw(st.booleans()):
        return Trigger(policy, "high", policy.target * draw(st.floats(1.01, 100)), policy.target)
    return Trigger(policy, "low", policy.target * draw(st.floats(0, 0.89)), policy.low_alarm.threshold)


BOUNDARIES = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda pair: Bounds(min(pair), max(pair)))


@given(st.lists(triggers(), max_size=4), st.integers(0, 30), BOUNDARIES)
def test_a_new_capacity_lies_within_the_bounds(found: list[Trigger], capacity: int, bounds: Bounds) -> None:
    decision = decide(found, capacity, bounds, Cooldowns(), NOON)
    assert decision.capacity == capacity or bounds.minimum <= decision.capacity <= bounds.maximum
    assert (decision.trigger is None) == (decision.capacity == capacity)


@given(st.lists(triggers(), max_size=4), st.integers(0, 20), BOUNDARIES, policies(), st.integers(0, 700))
def test_there_is_no_scale_in_during_the_cooldown_of_another(
    found: list[Trigger], capacity: int, bounds: Bounds, last: Policy, later: int
) -> None:
    cooldowns = Cooldowns().after(last, capacity + 1, capacity, NOON)
    decision = decide(found, capacity, bounds, cooldowns, NOON + timedelta(seconds=later))
    assert decision.capacity >= capacity or later >= last.scale_in_cooldown


@given(triggers(), st.integers(0, 20), BOUNDARIES, st.integers(0, 700))
def test_the_same_trigger_does_not_scale_out_twice_within_its_cooldown(
    trigger: Trigger, capacity: int, bounds: Bounds, later: int
) -> None:
    first = decide([trigger], capacity, bounds, Cooldowns(), NOON)
    if first.capacity > capacity:
        cooldowns = Cooldowns().after(trigger.policy, capacity, first.capacity, NOON)
        again = decide([trigger], first.capacity, bounds, cooldowns, NOON + timedelta(seconds=later))
        assert again.capacity <= first.capacity or later >= trigger.policy.scale_out_cooldown


@given(st.lists(triggers(), max_size=4), st.integers(0, 20), BOUNDARIES)
def test_suspended_scaling_does_nothing(found: list[Trigger], capacity: int, bounds: Bounds) -> None:
    no_in, no_out = replace(bounds, scales_in=False), replace(bounds, scales_out=False)
    assert decide(found, capacity, no_in, Cooldowns(), NOON).capacity >= capacity
    assert decide(found, capacity, no_out, Cooldowns(), NOON).capacity <= capacity


@given(st.integers(0, 20), BOUNDARIES, st.floats(10.1, 1e4), st.floats(10.1, 1e4))
def test_a_larger_backlog_never_gets_fewer_instances(capacity: int, bounds: Bounds, one: float, other: float) -> None:
    low, high = (
        decide([replace(HIGH, metric=metric)], capacity, bounds, Cooldowns(), NOON).capacity
        for metric in sorted((one, other))
    )
    assert low <= high


def test_the_policy_that_wants_the_most_instances_wins() -> None:
    decision = decide([WOKEN, HIGH], 1, BOUNDS, Cooldowns(), NOON)
    assert (decision.capacity, decision.trigger) == (3, HIGH)


def test_a_scale_out_takes_precedence_over_a_scale_in() -> None:
    assert decide([LOW, WOKEN], 2, BOUNDS, Cooldowns(), NOON).capacity == 3


def test_target_tracking_policies_scale_in_together_only() -> None:
    other = TargetTracking("other", 5)
    held = decide([LOW], 2, BOUNDS, Cooldowns(), NOON, policies=[TRACKING, other, WAKE])
    assert (held.capacity, held.held) == (2, ("tracking: other is not ready to scale in",))
    both = [LOW, Trigger(other, "other low", 0, other.low_alarm.threshold)]
    assert decide(both, 2, BOUNDS, Cooldowns(), NOON, policies=[TRACKING, other]).capacity == 0
    silent = replace(other, scales_in=False)
    assert decide([LOW], 2, BOUNDS, Cooldowns(), NOON, policies=[TRACKING, silent]).capacity == 0


def test_another_policy_may_scale_out_during_a_cooldown() -> None:
    cooldowns = Cooldowns().after(WAKE, 0, 1, NOON)
    assert decide([WOKEN], 1, BOUNDS, cooldowns, NOON).capacity == 1
    assert decide([WOKEN, HIGH], 1, BOUNDS, cooldowns, NOON).capacity == 3


def test_what_holds_scaling_back_is_said() -> None:
    def held(trigger: Trigger, capacity: int, bounds: Bounds = BOUNDS, cooldowns: Cooldowns | None = None) -> str:
        [reason] = decide([trigger], capacity, bounds, cooldowns or Cooldowns(), NOON).held
        return reason

    assert held(HIGH, 3) == "tracking: the maximum is 3"
    assert held(LOW, 1, Bounds(1, 3)) == "tracking: the minimum is 1"
    assert held(replace(WOKEN, metric=0), 1) == "wake: no step covers a breach of -1"
    assert held(WOKEN, 1, cooldowns=Cooldowns().after(WAKE, 0, 1, NOON)).startswith("wake: cooldown")
    assert held(LOW, 2, cooldowns=Cooldowns().after(WAKE, 3, 2, NOON)) == (
        "tracking: cooldown of the last scale-in until 2026-01-01 12:05:00+00:00"
    )
