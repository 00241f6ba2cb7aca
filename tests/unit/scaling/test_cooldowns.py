from datetime import UTC, datetime, timedelta

from glue.scaling.cooldowns import Cooldowns
from glue.scaling.step_scaling import Adjustment, Step, StepScaling
from glue.scaling.target_tracking import TargetTracking

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TRACKING = TargetTracking("tracking", 5, scale_in_cooldown=300, scale_out_cooldown=60)
STEPS = StepScaling("steps", Adjustment.CHANGE, [Step(1, 0)], cooldown=120)


def seconds(number: int) -> datetime:
    return NOON + timedelta(seconds=number)


def test_after_a_scale_in_there_is_none_until_its_cooldown_is_over() -> None:
    cooldowns = Cooldowns().after(TRACKING, 3, 2, NOON)
    assert cooldowns.scale_in_waits(seconds(299)) == seconds(300)
    assert cooldowns.scale_in_waits(seconds(300)) is None


def test_a_scale_out_ends_the_cooldown_of_a_scale_in() -> None:
    cooldowns = Cooldowns().after(TRACKING, 3, 2, NOON).after(STEPS, 2, 3, seconds(10))
    assert cooldowns.scale_in_waits(seconds(11)) is None


def test_what_a_policy_has_added_counts_until_its_cooldown_is_over() -> None:
    cooldowns = Cooldowns().after(STEPS, 1, 2, NOON)
    assert cooldowns.base("steps", 2, seconds(119)) == 1
    assert cooldowns.base("steps", 2, seconds(120)) == 2
    assert cooldowns.base("tracking", 2, seconds(1)) == 2


def test_a_larger_scale_out_is_still_counted_from_the_first_ones_base() -> None:
    cooldowns = Cooldowns().after(STEPS, 1, 3, NOON).after(STEPS, 3, 4, seconds(60))
    assert cooldowns.base("steps", 4, seconds(179)) == 1
    assert cooldowns.base("steps", 4, seconds(180)) == 4


def test_a_base_is_never_above_the_capacity() -> None:
    cooldowns = Cooldowns().after(STEPS, 5, 6, NOON)
    assert cooldowns.base("steps", 2, seconds(1)) == 2
