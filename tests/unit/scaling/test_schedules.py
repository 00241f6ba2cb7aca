import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.scaling.schedules import Schedule, ScheduleError

START = datetime(2026, 3, 27, 12, 0, 30, tzinfo=UTC)  # a Friday


def moments(schedule: Schedule, hours: int) -> list[str]:
    """The minutes in which `schedule` is due, looked at once a minute."""
    minute = timedelta(minutes=1)
    first = START.replace(second=0)
    ticks = [first + number * minute for number in range(hours * 60 + 1)]
    return [f"{tick:%d %H:%M}" for tick in ticks if schedule.due(tick - minute, tick)]


def test_a_moment_comes_once_and_in_its_time_zone() -> None:
    assert moments(Schedule("at(2026-03-27T15:30:00)", START), 24) == ["27 15:30"]
    assert moments(Schedule("at(2026-03-27T15:30:00)", START, timezone="Europe/Berlin"), 24) == ["27 14:30"]
    assert moments(Schedule("at(2026-03-27T11:00:00)", START), 24) == []


def test_a_rate_is_counted_from_its_start() -> None:
    assert moments(Schedule("rate(2 hours)", START), 5) == ["27 14:01", "27 16:01"]
    assert moments(Schedule("rate(1 day)", START), 30) == ["28 12:01"]


def test_a_cron_expression_has_six_fields() -> None:
    assert moments(Schedule("cron(0 8 ? * MON-FRI *)", START), 72) == ["30 08:00"]
    assert moments(Schedule("cron(0/20 13 27 3 ? 2026)", START), 24) == ["27 13:00", "27 13:20", "27 13:40"]


def test_a_cron_expression_follows_the_wall_clock_of_its_time_zone_through_the_change_of_time() -> None:
    found = moments(Schedule("cron(0 8 * * ? *)", START, timezone="Europe/Berlin"), 72)
    assert found == ["28 07:00", "29 06:00", "30 06:00"]  # summer time begins on the 29th


def test_nothing_is_due_after_the_end() -> None:
    assert moments(Schedule("rate(1 hour)", START, end=START + timedelta(hours=2)), 5) == ["27 13:01", "27 14:01"]


@pytest.mark.parametrize(
    ("expression", "timezone", "message"),
    [
        ("0 8 * * *", "UTC", "expected at"),
        ("at(tomorrow)", "UTC", "expected at"),
        ("rate(0 minutes)", "UTC", "whole number"),
        ("rate(5 weeks)", "UTC", "whole number"),
        ("cron(0 8 * * *)", "UTC", "6 required"),
        ("cron(0 8 * * MON *)", "UTC", "must be a question mark"),
        ("rate(1 hour)", "Europe/Nowhere", "time zone Europe/Nowhere"),
        ("cron(0 8 ? * MON-FRI *)", "Europe/Nowhere", "time zone Europe/Nowhere"),
    ],
)
def test_what_is_no_schedule_is_refused(expression: str, timezone: str, message: str) -> None:
    with pytest.raises(ScheduleError, match=message):
        Schedule(expression, START, timezone=timezone)


@given(st.text(max_size=20))
def test_any_text_is_a_schedule_or_refused(text: str) -> None:
    for form in (text, f"at({text})", f"rate({text})", f"cron({text})"):
        try:
            Schedule(form, START)
        except ScheduleError:
            continue


@given(st.integers(1, 500), st.sampled_from(["minute", "hour"]), st.integers(1, 3000))
def test_looked_at_once_a_minute_a_rate_is_due_as_often_as_it_says(number: int, unit: str, minutes: int) -> None:
    schedule = Schedule(f"rate({number} {unit}s)", START)
    ticks = [START + timedelta(minutes=count) for count in range(minutes + 1)]
    found = sum(schedule.due(before, now) for before, now in itertools.pairwise(ticks))
    assert found == minutes // (number * (60 if unit == "hour" else 1))
