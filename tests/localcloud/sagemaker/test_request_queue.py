import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from glue.localcloud.sagemaker.invocation import AsyncRequest
from glue.localcloud.sagemaker.request_queue import RequestQueue, Worker
from tests.localcloud.sagemaker.test_invocation import NOW, request
from tests.localcloud.support import eventually


def keys(queue: RequestQueue) -> list[str]:
    return [one.key for one in queue.close()]


class Takers(RuleBasedStateMachine):
    """Workers that take requests, several at a time, and put some of them back before they are done with them."""

    queue: RequestQueue
    came: int
    waiting: list[int]
    held: list[tuple[int, AsyncRequest, bool]]  # what a worker took, and whether it put it back

    @initialize()
    def start(self) -> None:
        self.queue, self.came, self.waiting, self.held = RequestQueue(), 0, [], []

    @rule()
    def put(self) -> None:
        self.queue.put(request(key=f"{self.came}", received=NOW + timedelta(seconds=self.came)))
        self.waiting.append(self.came)
        self.came += 1

    @precondition(lambda self: self.waiting)
    @rule()
    def take(self) -> None:
        taken = self.queue.take(lambda: True, lambda: False)
        assert taken is not None
        first = min(self.waiting)
        assert taken.key == f"{first}"
        self.waiting.remove(first)
        self.held.append((first, taken, False))

    @precondition(lambda self: any(not returned for _, _, returned in self.held))
    @rule(data=st.data())
    def put_back(self, data: st.DataObject) -> None:
        place = data.draw(st.sampled_from([at for at, (_, _, returned) in enumerate(self.held) if not returned]))
        number, taken, _ = self.held[place]
        self.queue.put(taken)
        self.waiting.append(number)
        self.held[place] = (number, taken, True)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def be_done(self, data: st.DataObject) -> None:
        _, taken, _ = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        self.queue.done(taken)

    @invariant()
    def every_request_without_an_outcome_counts_once(self) -> None:
        left = {*self.waiting, *(number for number, _, _ in self.held)}
        assert sorted(self.queue.received()) == [NOW + timedelta(seconds=number) for number in sorted(left)]
        assert len(self.queue) == len(self.waiting)

    def teardown(self) -> None:
        assert keys(self.queue) == [f"{number}" for number in sorted(self.waiting)]


TestTakers = Takers.TestCase


def test_requests_that_return_keep_their_order() -> None:
    queue = RequestQueue()
    for key in "ABC":
        queue.put(request(key=key))
    taken = [queue.take(lambda: True, lambda: False) for _ in range(2)]
    for one in taken:
        assert one is not None
        queue.put(one)
    assert keys(queue) == ["A", "B", "C"]


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


class Ready:
    """An instance that takes requests."""

    id = "i-0"
    ready = True


def test_a_request_whose_handling_fails_is_logged_and_the_next_one_is_handled(caplog: pytest.LogCaptureFixture) -> None:
    queue, handled = RequestQueue(), threading.Event()

    def handle(one: AsyncRequest) -> None:
        if one.key == "cursed":
            raise RuntimeError("no way to end it")
        handled.set()

    instance: Any = Ready()
    worker = Worker(instance, queue, handle, concurrency=1)
    for key in ("cursed", "plain"):
        queue.put(request(key=key))
    with caplog.at_level(logging.ERROR):
        worker.enable(True)
        assert handled.wait(10)
        eventually(lambda: queue.received() == [], what="both are done")
        worker.drain()
    assert "request cursed of endpoint" in caplog.text
    assert "no way to end it" in caplog.text
