from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from glue.localcloud.sagemaker.dataplane import RequestQueue
from tests.localcloud.sagemaker.test_invocation import NOW, request


def keys(queue: RequestQueue) -> list[str]:
    return [one.key for one in queue.close()]


@given(st.lists(st.booleans(), max_size=20))
def test_requests_leave_in_the_order_they_came_and_those_that_return_go_first(takes: list[bool]) -> None:
    queue = RequestQueue()
    came = [f"{number}" for number in range(len(takes))]
    left: list[str] = []
    for key, take in zip(came, takes, strict=True):
        queue.put(request(key=key))
        if take:
            taken = queue.take(lambda: True, lambda: False)
            assert taken is not None
            queue.put(taken, first=True)
            again = queue.take(lambda: True, lambda: False)
            assert again is taken
            left.append(taken.key)
    assert left + keys(queue) == came


@given(st.lists(st.integers(60, 600), max_size=20), st.integers(0, 700))
def test_what_waited_too_long_is_taken_out_and_the_rest_stays_in_order(ttls: list[int], waited: int) -> None:
    queue = RequestQueue()
    for number, ttl in enumerate(ttls):
        queue.put(request(key=f"{number}", ttl=ttl))
    expired = [one.key for one in queue.expired(NOW + timedelta(seconds=waited))]
    assert expired == [f"{number}" for number, ttl in enumerate(ttls) if ttl < waited]
    assert keys(queue) == [f"{number}" for number, ttl in enumerate(ttls) if ttl >= waited]


def test_a_closed_queue_takes_nothing() -> None:
    queue = RequestQueue()
    queue.put(request(key="waiting"))
    assert keys(queue) == ["waiting"]
    assert not queue.put(request())
    assert queue.take(lambda: True, lambda: True) is None
