"""Where one function runs: its queue of asynchronous events, and as many execution environments as it may have."""

import heapq
import itertools
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from glue.localcloud.clock import Clock
from glue.localcloud.functions import dead_letters
from glue.localcloud.functions.counts import Counts
from glue.localcloud.functions.definition import Definition
from glue.localcloud.functions.environment import BrokenError, ExecutionEnvironment, Machine, Outcome, failure
from glue.localcloud.functions.retries import Event, next_attempt

UNRESERVED = 10
"""Environments of a function without reserved concurrency: what a new account has for all its functions."""

_IDLE = 20.0  # seconds of the machine's clock that an environment without work is kept
_LOOK = 0.5  # seconds of the machine's clock between two looks at a clock that may run faster
_log = logging.getLogger(__name__)


class ThrottledError(Exception):
    """All the environments that the function may have are busy."""


@dataclass(frozen=True)
class Call:
    """A synchronous invocation: whoever made it waits for `answer`."""

    request_id: str
    payload: Any
    answer: "Future[Outcome]"


class Host:
    """Runs a function. `define` gives its definition as it is now, None once it is deleted."""

    def __init__(self, machine: Machine, clock: Clock, counts: Counts, define: Callable[[], Definition | None]) -> None:
        self._machine = machine
        self._clock = clock
        self._counts = counts
        self._define = define
        self._numbers = itertools.count()
        self._events: list[Event] = []
        self._calls: list[Call] = []
        self._workers = 0
        self._idle = 0
        self._closed = False
        self._changed = threading.Condition()

    def submit(self, payload: Any) -> str:
        """Put an event into the queue; its request id."""
        now = self._clock.elapsed()
        event = Event(now, next(self._numbers), str(uuid.uuid4()), payload, accepted=now)
        with self._changed:
            heapq.heappush(self._events, event)
            self._wake()
        return event.request_id

    def call(self, payload: Any) -> Outcome:
        """Run the function now and wait for its outcome.

        Raises:
            ThrottledError: it runs as often as it may already.
        """
        answer: Future[Outcome] = Future()
        with self._changed:
            function = self._define()
            busy = self._workers - self._idle + len(self._calls)
            if function is None or busy >= _limit(function):
                raise ThrottledError
            self._calls.append(Call(str(uuid.uuid4()), payload, answer))
            self._wake()
        return answer.result()

    def waiting(self) -> int:
        """How many events are in the queue, retries included."""
        with self._changed:
            return len(self._events)

    def tend(self) -> None:
        """See to it that somebody works on what waits, also after the function's limits have changed."""
        with self._changed:
            if self._define() is None:
                self._abandon()
            elif self._events or self._calls:
                self._wake()

    def close(self) -> None:
        """Start nothing more; the environments end with their invocations, or with the guard."""
        with self._changed:
            self._closed = True
            self._abandon()
            self._changed.notify_all()

    def _abandon(self) -> None:
        """Forget what waits: Lambda drops the events of a function that is deleted."""
        self._events.clear()
        for call in self._calls:
            call.answer.set_result(failure("the function is gone", "Function.Gone"))
        self._calls.clear()

    def _wake(self) -> None:
        function = self._define()
        work = len(self._events) + len(self._calls)
        if function is not None and work > self._idle and self._workers < _limit(function) and not self._closed:
            self._workers += 1
            threading.Thread(target=self._work, name=f"function-{function.name}", daemon=True).start()
        self._changed.notify()

    def _work(self) -> None:
        """One worker: an execution environment that is made when there is work, and replaced when it broke."""
        environment: ExecutionEnvironment | None = None
        for function, work in self._orders():
            if environment is not None and environment.revision != function.revision:
                environment.close()
                environment = None
            started = time.monotonic()
            try:
                environment = environment or ExecutionEnvironment(self._machine, function, self._clock.now())
                outcome = environment.invoke(work.request_id, work.payload)
            except BrokenError as error:
                environment, outcome = None, error.outcome
            except Exception as error:  # noqa: BLE001 - a defect of ours must not lose an event
                _log.exception("an invocation of %s", function.name)
                environment, outcome = None, failure(str(error), "Service")
            self._counts.ran(function, time.monotonic() - started, failed=outcome.failed)
            self._finish(function, work, outcome)
        if environment is not None:
            environment.close()

    def _orders(self) -> Iterator[tuple[Definition, Event | Call]]:
        """What this worker has to do, until there is nothing for a while, or the function is gone."""
        patience = time.monotonic() + _IDLE
        try:
            while True:
                with self._changed:
                    function = self._define()
                    if function is None or self._closed or self._workers > _limit(function):
                        return
                    work = self._next()
                    if work is None:
                        if time.monotonic() > patience and not self._events:
                            return
                        self._idle += 1
                        self._changed.wait(self._pause())
                        self._idle -= 1
                        continue
                if isinstance(work, Event) and work.expired(self._clock.elapsed(), function.max_event_age):
                    self._give_up(function, work, "the event is older than the function takes")
                    continue
                yield function, work
                patience = time.monotonic() + _IDLE
        finally:
            with self._changed:
                self._workers -= 1

    def _next(self) -> Event | Call | None:
        if self._calls:
            return self._calls.pop(0)
        if self._events and self._events[0].due <= self._clock.elapsed():
            return heapq.heappop(self._events)
        return None

    def _pause(self) -> float:
        if not self._events:
            return _LOOK
        return min(_LOOK, max(0.0, self._clock.real(self._events[0].due - self._clock.elapsed())))

    def _finish(self, function: Definition, work: Event | Call, outcome: Outcome) -> None:
        if isinstance(work, Call):
            work.answer.set_result(outcome)
        elif outcome.failed:
            limits = {"max_retries": function.max_retries, "max_age": function.max_event_age}
            again = next_attempt(work, self._clock.elapsed(), **limits)
            if again is None:
                self._give_up(function, work, outcome.message)
                return
            with self._changed:
                heapq.heappush(self._events, again)

    def _give_up(self, function: Definition, event: Event, reason: str) -> None:
        if function.dead_letters is None:
            _log.warning("an event of function %s was given up: %s", function.name, reason)
            return
        attributes = dead_letters.of_function(event.request_id, reason)
        if not dead_letters.send(
            self._machine.clients, function.scope, function.dead_letters, event.payload, attributes
        ):
            self._counts.lost(function)


def _limit(function: Definition) -> int:
    return UNRESERVED if function.concurrency is None else function.concurrency
