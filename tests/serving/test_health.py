import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.health import SERVING, State, overall

worker_states = st.lists(
    st.sampled_from([State.STARTING, State.LOADING, State.WARMING, State.READY, State.BUSY]), max_size=4
)


@pytest.mark.parametrize(
    ("workers", "active", "expected"),
    [
        ([], 0, State.STARTING),
        ([State.STARTING], 0, State.STARTING),
        ([State.LOADING, State.STARTING], 0, State.LOADING),
        ([State.WARMING, State.LOADING], 0, State.WARMING),
        ([State.READY], 0, State.READY),
        ([State.READY, State.LOADING], 0, State.READY),
        ([State.BUSY], 1, State.READY),
        ([State.BUSY], 2, State.BUSY),
        ([State.LOADING], 2, State.LOADING),
    ],
)
def test_the_servers_state_follows_from_its_workers(workers: list[State], active: int, expected: State) -> None:
    assert overall(workers, active=active, slots=2, draining=False, failed=False) is expected


@given(worker_states, st.integers(0, 3), st.booleans(), st.booleans())
def test_only_a_server_with_a_working_worker_says_that_it_serves(
    workers: list[State], active: int, draining: bool, failed: bool
) -> None:
    state = overall(workers, active=active, slots=2, draining=draining, failed=failed)
    assert (state in SERVING) == (bool(set(workers) & SERVING) and not draining and not failed)
