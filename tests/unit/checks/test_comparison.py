"""Comparing answers: what differs, where, and what a tolerance allows."""

import copy
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from glue.checks.comparison import Difference, differences, summary
from glue.workloads.golden import Tolerance

EXACT = Tolerance()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def _found(expected: Any, actual: Any, **tolerance: float) -> list[str]:
    return [str(one) for one in differences(expected, actual, Tolerance(**tolerance))]


@given(JSON)
def test_anything_equals_its_copy(value: Any) -> None:
    assert _found(value, copy.deepcopy(value)) == []


@given(JSON, JSON)
def test_differing_is_symmetric_without_tolerance(one: Any, other: Any) -> None:
    assert bool(_found(one, other)) == bool(_found(other, one))


@given(JSON, JSON)
def test_a_changed_leaf_is_found_at_its_path(value: Any, other: Any) -> None:
    assume(_found(value, other))
    expected, actual = {"a": [1, {"b c": value}]}, {"a": [1, {"b c": other}]}
    assert all(path.startswith('$.a[1]["b c"]') for path in _found(expected, actual))


@given(st.floats(-1e9, 1e9), st.floats(0, 1e6), st.floats(-1, 1))
def test_a_number_within_the_absolute_tolerance_is_equal(expected: float, absolute: float, part: float) -> None:
    assert _found(expected, expected + 0.99 * part * absolute, absolute=absolute + 1e-3) == []


@given(st.floats(1e-3, 1e9), st.floats(0.001, 1), st.floats(1.01, 10))
def test_a_number_beyond_the_relative_tolerance_is_not(expected: float, relative: float, times: float) -> None:
    assert len(_found(expected, expected * (1 + relative * times), relative=relative)) == 1


def test_the_larger_of_both_tolerances_counts() -> None:
    assert _found(100, 103, absolute=3) == []
    assert _found(1000, 1015, relative=0.02, absolute=3) == []
    assert _found(10, 12, relative=0.02, absolute=3) == []
    assert _found(10, 14, relative=0.02, absolute=3) == ["$: expected 10 (± 3 or 0.02 of it), found 14"]


@pytest.mark.parametrize(
    ("expected", "actual", "found"),
    [
        (1, 1.0, []),
        (1, True, ["$: expected 1, found true"]),
        (False, 0, ["$: expected false, found 0"]),
        (None, 0, ["$: expected null, found 0"]),
        ("1", 1, ['$: expected "1", found 1']),
        ([], {}, ["$: expected [], found {}"]),
        ({"a": 1}, {}, ["$.a: expected 1, found nothing"]),
        ({}, {"a": 1}, ["$.a: expected nothing, found 1"]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ([1, 2], [2, 1], ["$[0]: expected 1, found 2", "$[1]: expected 2, found 1"]),
        ([1], [1, 2], ["$: expected 1 elements, found 2"]),
        ({"rooms": [{"x": 1}]}, {"rooms": [{"x": 2}]}, ["$.rooms[0].x: expected 1, found 2"]),
    ],
)
def test_what_differs_is_named(expected: Any, actual: Any, found: list[str]) -> None:
    assert _found(expected, actual) == found


def test_numbers_beyond_any_float_are_compared_too() -> None:
    assert _found(10**400, 10**400, relative=0.1) == []
    assert len(_found(10**400, 1.5, relative=0.1, absolute=1)) == 1
    assert len(_found(float("inf"), 1.5, absolute=1)) == 1
    assert len(_found(1.5, float("inf"), absolute=1)) == 1


def test_a_summary_shows_the_first_and_counts_the_rest() -> None:
    found = [Difference(f"$[{index}]", "x") for index in range(7)]
    assert summary(found, most=2) == "$[0]: x; $[1]: x; and 5 more"
    assert summary(found[:2], most=2) == "$[0]: x; $[1]: x"
