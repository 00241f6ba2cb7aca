import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.scaling.target_tracking import TargetTracking

METRICS = st.integers(0, 10**8).map(lambda hundredths: hundredths / 100)
TARGETS = st.floats(0.1, 1e4)
CAPACITIES = st.integers(0, 100)


@pytest.mark.parametrize(
    ("capacity", "metric", "wanted"), [(2, 10, 4), (2, 5, 2), (2, 5.1, 3), (3, 0, 0), (0, 20, 4), (0, 0, 0)]
)
def test_capacity_follows_the_metric_in_proportion(capacity: int, metric: float, wanted: int) -> None:
    assert TargetTracking("p", 5).wanted(capacity, metric) == wanted


@given(CAPACITIES, METRICS, METRICS, TARGETS)
def test_a_higher_metric_never_wants_less(capacity: int, one: float, other: float, target: float) -> None:
    low, high = sorted((one, other))
    policy = TargetTracking("p", target)
    assert policy.wanted(capacity, low) <= policy.wanted(capacity, high)


@given(CAPACITIES, METRICS, TARGETS)
def test_above_the_target_more_is_wanted_and_what_is_wanted_reaches_it(
    capacity: int, metric: float, target: float
) -> None:
    wanted = TargetTracking("p", target).wanted(capacity, metric)
    if metric > target * (1 + 1e-9):
        assert wanted > capacity
    assert wanted * target >= max(capacity, 1) * metric * (1 - 1e-9)
    assert math.isfinite(wanted)


def test_its_alarms_are_three_minutes_above_the_target_and_fifteen_below_nine_tenths() -> None:
    high, low = TargetTracking("p", 10).high_alarm, TargetTracking("p", 10).low_alarm
    assert (high.comparison, high.threshold, high.period, high.evaluation_periods) == (
        "GreaterThanThreshold",
        10,
        60,
        3,
    )
    assert (low.comparison, low.threshold, low.period, low.evaluation_periods) == ("LessThanThreshold", 9, 60, 15)
