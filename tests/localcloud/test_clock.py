import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.localcloud.clock import Clock


class Machine:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


@given(st.floats(0.01, 1e4), st.floats(0, 1e6))
def test_time_passes_speed_times_as_fast_as_on_the_machine(speed: float, seconds: float) -> None:
    machine = Machine()
    clock = Clock(speed, monotonic=machine)
    before = clock.now()
    machine.time += seconds
    assert clock.elapsed() == pytest.approx(seconds * speed, abs=1e-3 * speed)
    assert (clock.now() - before).total_seconds() == pytest.approx(seconds * speed, rel=1e-6, abs=2e-3)


def test_a_wait_lasts_its_seconds_of_the_clock() -> None:
    assert Clock(60).real(120) == 2
    assert not Clock(1000).wait(threading.Event(), 1)


def test_a_deadline_passes() -> None:
    machine = Machine()
    deadline = Clock(10, monotonic=machine).deadline(30)
    assert not deadline.passed
    assert deadline.real_remaining == pytest.approx(3)
    machine.time += 3
    assert deadline.passed
    assert deadline.remaining == 0


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_time_cannot_stand_still(speed: float) -> None:
    with pytest.raises(ValueError, match="allowed is a number above 0"):
        Clock(speed)
