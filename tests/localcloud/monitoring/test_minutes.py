from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from glue.localcloud.monitoring.minutes import passed

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@given(st.integers(0, 100))
def test_minutes_pass_one_by_one_and_only_the_last_are_made_up_for(late: int) -> None:
    last = NOON + timedelta(minutes=late)
    found = list(passed(NOON, last))
    assert len(found) == min(late, 5)
    assert found == [last - timedelta(minutes=number) for number in reversed(range(len(found)))]
    assert all(moment > NOON for moment in found)
