from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.localcloud.fault_injection.faults import KINDS, FaultError, Faults, parse_duration

PAGE = Path(__file__).resolve().parents[3] / "docs" / "local-cloud.md"


def faults(now: list[float] | None = None, chance: float = 0.0) -> Faults:
    moment = now or [0.0]
    return Faults(lambda: moment[0], chance=lambda: chance)


def test_a_fault_strikes_as_often_as_it_may() -> None:
    struck = faults()
    struck.start({"kind": "s3-error", "count": 2})
    assert [struck.strikes("s3-error") is not None for _ in range(4)] == [True, True, False, False]
    assert struck.all() == []


def test_a_fault_is_over_after_its_time() -> None:
    now = [0.0]
    struck = faults(now)
    struck.start({"kind": "refuse-ping", "for": 60})
    now[0] = 59.0
    assert struck.holds("refuse-ping", "any")
    now[0] = 60.0
    assert struck.holds("refuse-ping", "any") is None


def test_a_fault_of_an_endpoint_is_no_other_ones() -> None:
    struck = faults()
    struck.start({"kind": "hang", "endpoint": "mine"})
    assert struck.strikes("hang", "yours") is None
    assert struck.strikes("throttling", "mine") is None
    assert struck.strikes("hang", "mine")


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_min=True))
def test_a_fault_strikes_with_its_probability(drawn: float, probability: float) -> None:
    struck = faults(chance=drawn)
    struck.start({"kind": "sns-error", "probability": probability})
    assert (struck.strikes("sns-error") is not None) == (drawn < probability)


def test_faults_are_stopped_by_number_by_kind_or_all() -> None:
    struck = faults()
    for kind in ("hang", "hang", "s3-error", "sns-error"):
        struck.start({"kind": kind})
    assert [fault.number for fault in struck.stop("2")] == [2]
    assert [fault.number for fault in struck.stop("hang")] == [1]
    assert [fault.number for fault in struck.stop("nothing")] == []
    assert [fault.number for fault in struck.stop()] == [3, 4]
    assert struck.all() == []


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ({"kind": "earthquake"}, "kind 'earthquake': allowed is one of kill-instance, "),
        ({"kind": ["hang"]}, "allowed is one of"),
        ({"kind": "clock-jump", "endpoint": "e"}, "clock-jump takes seconds; not endpoint"),
        ({"kind": "refuse-ping", "count": 1, "probability": 0.5}, "takes endpoint, for; not count, probability"),
        ({"kind": "hang", "probability": 0}, "probability 0: allowed is a number above 0, up to 1"),
        ({"kind": "hang", "probability": float("nan")}, "probability nan"),
        ({"kind": "hang", "count": 1.5}, "count 1.5: allowed is a whole number from 1"),
        ({"kind": "hang", "count": True}, "count True"),
        ({"kind": "hang", "for": -1}, "for -1: allowed is a number of seconds above 0"),
        ({"kind": "hang", "endpoint": 5}, "endpoint 5: allowed is a name"),
        ({"kind": "clock-jump", "seconds": float("inf")}, "seconds inf: allowed"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_with_what_is_allowed(order: dict[str, object], message: str) -> None:
    with pytest.raises(FaultError, match=message.replace("[", r"\[")):
        faults().start(order)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200), (" 5s ", 5)])
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-1s", "s", "1d", "1h30m", "nan", "1e3"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(FaultError, match="allowed is a number above 0 with s, m or h"):
        parse_duration(text)


def test_the_page_tells_what_is_seen_of_every_kind() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for kind in KINDS.values():
        assert f"| `{kind.name}` | {kind.what} | {kind.seen} |" in page
