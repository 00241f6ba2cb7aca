"""The requests of one endpoint that wait for an instance or have one, and the workers that bring them there."""

import heapq
import itertools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from glue.localcloud.compute.instances import Instance
from glue.localcloud.sagemaker.invocation import AsyncRequest

_log = logging.getLogger(__name__)


class RequestQueue:
    """The requests of one endpoint, in the order in which they came first."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, AsyncRequest]] = []  # a heap: by the number that says when it came
        self._taken: list[AsyncRequest] = []
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, request: AsyncRequest) -> bool:
        """Add a request: at the end, or where it was when it has been there before; False when the queue is closed."""
        with self._changed:
            if self._closed:
                return False
            request.number = request.number or next(self._numbers)
            heapq.heappush(self._waiting, (request.number, request))
            self._changed.notify_all()
            return True

    def take(self, ready: Callable[[], bool], ended: Callable[[], bool]) -> AsyncRequest | None:
        """Wait for a request while `ready`; None when `ended`. Both are looked at again after `wake`."""
        with self._changed:
            self._changed.wait_for(lambda: ended() or (ready() and bool(self._waiting)))
            if ended():
                return None
            _, request = heapq.heappop(self._waiting)
            self._taken.append(request)
            return request

    def done(self, request: AsyncRequest) -> None:
        """Whoever took a request has no more to do with it: it has its outcome, or was put back."""
        with self._changed:
            self._taken.remove(request)  # once: another may have taken it again

    def received(self) -> list[datetime]:
        """When the requests came in that wait or are processed."""
        with self._changed:
            known = {request.key: request for request in (*self._taken, *(one for _, one in self._waiting))}
            return [request.received for request in known.values()]

    def wake(self) -> None:
        """Let those who wait look again."""
        with self._changed:
            self._changed.notify_all()

    def expired(self, now: datetime) -> list[AsyncRequest]:
        """Remove and return what has waited for too long."""
        with self._changed:
            over = sorted(entry for entry in self._waiting if entry[1].expired(now))
            self._waiting = [entry for entry in self._waiting if not entry[1].expired(now)]
            heapq.heapify(self._waiting)
            return [request for _, request in over]

    def close(self) -> list[AsyncRequest]:
        """Take no more; what was waiting."""
        with self._changed:
            self._closed = True
            rest = [request for _, request in sorted(self._waiting)]
            self._waiting.clear()
            self._changed.notify_all()
            return rest


class Worker:
    """Feeds one instance from the queue, `concurrency` requests at a time at most, while it is ready and enabled."""

    def __init__(
        self,
        instance: Instance,
        queue: RequestQueue,
        handle: Callable[[AsyncRequest], None],
        concurrency: int,
    ) -> None:
        self.instance = instance
        self.enabled = False
        self._queue = queue
        self._handle = handle
        self._slots = threading.Semaphore(concurrency)
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix=f"invoke-{instance.id}")
        self._ended = False
        self._feeder = threading.Thread(target=self._feed, name=f"feed-{instance.id}", daemon=True)
        self._feeder.start()

    def enable(self, enabled: bool) -> None:
        """Take requests, or leave them to others."""
        self.enabled = enabled
        self._queue.wake()

    def drain(self) -> None:
        """Take no more requests, and wait until those that were taken have their outcome."""
        self._ended = True
        self._queue.wake()
        self._feeder.join()
        self._threads.shutdown(wait=True)

    def _feed(self) -> None:
        while not self._ended:
            self._slots.acquire()
            request = self._queue.take(lambda: self.enabled and self.instance.ready, lambda: self._ended)
            if request is None:
                return
            self._threads.submit(self._run, request)

    def _run(self, request: AsyncRequest) -> None:
        try:
            self._handle(request)
        except Exception:  # noqa: BLE001 - nobody asks what became of this thread
            _log.exception("request %s of %s", request.key, request.endpoint)
        finally:
            self._queue.done(request)
            self._slots.release()
