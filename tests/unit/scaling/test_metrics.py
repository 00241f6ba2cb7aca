from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.scaling.metrics import Datapoint, Sample, datapoints, is_statistic, statistic

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20)


def minutes(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_a_statistic_of_several_samples_is_that_of_all_their_values(groups: list[list[float]]) -> None:
    apart = [Sample.of(NOON, values) for values in groups]
    together = [Sample.of(NOON, [value for values in groups for value in values])]
    for name in ("Average", "Sum", "Minimum", "Maximum", "SampleCount", "p50", "p99.9"):
        assert statistic(name, apart) == pytest.approx(statistic(name, together), abs=1e-6)


@given(VALUES)
def test_statistics_lie_between_minimum_and_maximum(values: list[float]) -> None:
    samples = [Sample.of(NOON, values)]
    for name in ("Average", "p0", "p50", "p90", "p100"):
        found = statistic(name, samples)
        assert found is not None
        assert min(values) - 1e-6 <= found <= max(values) + 1e-6


def test_a_percentile_is_the_value_that_this_share_does_not_exceed() -> None:
    samples = [Sample.of(NOON, list(range(1, 101)))]
    assert [statistic(name, samples) for name in ("p1", "p50", "p99", "p100")] == [1, 50, 99, 100]


def test_a_summary_has_no_percentile() -> None:
    assert statistic("p99", [Sample(NOON, 1, 9, 10, 2)]) is None


def test_an_unknown_statistic_is_named() -> None:
    assert not is_statistic("tm99")
    with pytest.raises(ValueError, match="tm99: allowed are Average"):
        statistic("tm99", [Sample.of(NOON, [1])])


def test_periods_without_a_sample_are_missing_and_what_lies_outside_does_not_count() -> None:
    samples = [Sample.of(minutes(at), [at]) for at in (-5, -3, -2.5, -1, 0)]
    assert datapoints(samples, "Sum", end=NOON, period=60, count=4) == [
        None,
        Datapoint(minutes(-3), -5.5),
        None,
        Datapoint(minutes(-1), -1),
    ]


@given(st.lists(st.integers(-1200, 1200)), st.sampled_from([60, 300]), st.integers(1, 10))
def test_every_sample_in_range_is_in_one_period(seconds: list[int], period: int, count: int) -> None:
    samples = [Sample.of(NOON + timedelta(seconds=at), [1]) for at in seconds]
    found = datapoints(samples, "SampleCount", end=NOON, period=period, count=count)
    assert len(found) == count
    expected = sum(-period * count <= at < 0 for at in seconds)
    assert sum(point.value for point in found if point) == expected
