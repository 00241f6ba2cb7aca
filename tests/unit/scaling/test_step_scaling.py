import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.scaling.step_scaling import Adjustment, Step, StepScaling

OUT = (Step(0, 0, 10), Step(10, 10, 20), Step(30, 20, None))
IN = (Step(0, -10, 0), Step(-10, -20, -10), Step(-30, None, -20))


# https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html: its example
@pytest.mark.parametrize(
    ("steps", "capacity", "breach", "wanted"),
    [
        (OUT, 10, 9.9, 10),
        (OUT, 10, 10, 11),
        (OUT, 11, 20, 14),
        (IN, 14, -9.9, 14),
        (IN, 14, -10, 13),
        (IN, 13, -20, 10),
    ],
)
def test_percentages_change_capacity_as_in_aws_example(
    steps: tuple[Step, ...], capacity: int, breach: float, wanted: int
) -> None:
    assert StepScaling("p", Adjustment.PERCENT, steps).wanted(capacity, breach) == wanted


@pytest.mark.parametrize(
    ("capacity", "percent", "change"), [(127, 10, 12), (1, 67, 1), (1, -58, -1), (29, -23, -6), (0, 50, 0), (3, 0, 0)]
)
def test_a_percentage_is_rounded_towards_zero_but_is_one_at_least(capacity: int, percent: int, change: int) -> None:
    policy = StepScaling("p", Adjustment.PERCENT, [Step(percent)])
    assert policy.wanted(capacity, 0) == capacity + change


def test_a_percentage_changes_by_the_least_change_at_least() -> None:
    assert StepScaling("p", Adjustment.PERCENT, [Step(25, 0)], least_change=2).wanted(4, 1) == 6


def test_an_exact_capacity_is_taken_as_it_is() -> None:
    assert StepScaling("p", Adjustment.EXACT, [Step(5, 0)]).wanted(3, 0) == 5


def test_a_breach_that_no_step_covers_wants_nothing() -> None:
    assert StepScaling("p", Adjustment.CHANGE, [Step(1, 0)]).wanted(3, -0.1) is None


@given(st.floats(-100, 100), st.lists(st.integers(-50, 50), min_size=1, max_size=4, unique=True))
def test_steps_without_gaps_cover_every_breach_once(breach: float, inner: list[int]) -> None:
    bounds = [None, *sorted({0, *inner}), None]
    steps = [Step(0, lower, upper) for lower, upper in itertools.pairwise(bounds)]
    assert sum(step.covers(breach) for step in steps) == 1
