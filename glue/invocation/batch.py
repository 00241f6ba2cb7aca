"""Several requests at once: sent from a few threads, watched by one."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Lock

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from tenacity import Retrying, retry_if_result, wait_exponential

from glue.deployed import DeployedEndpoint
from glue.errors import GlueError
from glue.invocation.client import EndpointClient
from glue.invocation.payloads import Payload
from glue.invocation.results import Result, Status
from glue.progress import Reporter

PARALLEL = 8
WAKE_SECONDS = 600
"""How long an endpoint with no instance may take to get one: an alarm's minute, the scaling action, the start of a
machine. Measured cold starts were 3 to 5 minutes; this is twice that."""

_FAILURES = (BotoCoreError, ClientError, Boto3Error, GlueError, OSError)


@dataclass(frozen=True)
class Batch:
    """The results, in the order of the payloads. `interrupted`: Ctrl-C ended the wait for those still under way."""

    results: list[Result]
    interrupted: bool = False


def patience(endpoint: DeployedEndpoint, requests: int) -> float:
    """Seconds after which the last of `requests` must have an answer, if the endpoint's own timeouts are kept.

    No instance may be running, and one instance may have to do all of them, one after the other.
    """
    timeouts = endpoint.timeouts
    return float(WAKE_SECONDS + timeouts.model_download + timeouts.startup + timeouts.invocation * requests)


def invoke_all(
    client: EndpointClient,
    payloads: Sequence[Payload],
    *,
    wait_seconds: float | None,
    reporter: Reporter,
    ttl_seconds: int | None = None,
    on_completed: Callable[[Result], Result] = lambda result: result,
) -> Batch:
    """Send `payloads` and wait up to `wait_seconds` for each answer (None: do not wait).

    What goes wrong with one request is its result and does not stop the others. `on_completed` is called with each
    completed result as it comes, and may add to it. After Ctrl-C what is known is returned: requests that SageMaker
    has accepted are under way, uploads that were not finished are given up and leave nothing behind.
    """
    run = _Run(client, payloads, wait_seconds, ttl_seconds, reporter, on_completed)
    interrupted = False
    with ThreadPoolExecutor(PARALLEL) as uploads, ThreadPoolExecutor(PARALLEL) as looks:
        try:
            run.start(uploads)
            rounds = Retrying(retry=retry_if_result(lambda done: not done), wait=wait_exponential(0.1, 2, 1.5))
            rounds(run.round, looks)
        except KeyboardInterrupt:
            interrupted = True
            uploads.shutdown(wait=False, cancel_futures=True)
            client.close()
        finally:
            uploads.shutdown(wait=True, cancel_futures=True)
    run.collect()
    return Batch([run.results[index] for index in range(len(payloads))], interrupted)


@dataclass
class _Run:
    """The state of one batch. Everything but `_sent` is changed by the watching thread only."""

    client: EndpointClient
    payloads: Sequence[Payload]
    wait_seconds: float | None
    ttl_seconds: int | None
    reporter: Reporter
    on_completed: Callable[[Result], Result]
    results: dict[int, Result] = field(default_factory=dict)
    futures: dict[int, Future[tuple[Result, float]]] = field(default_factory=dict)
    accepted: dict[int, float] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    _sent: int = 0
    _lock: Lock = field(default_factory=Lock)

    def start(self, uploads: ThreadPoolExecutor) -> None:
        for index, payload in enumerate(self.payloads):
            self.results[index] = Result(payload, "", Status.NOT_SENT)
            self.futures[index] = uploads.submit(self._submit, payload)

    def _submit(self, payload: Payload) -> tuple[Result, float]:
        result = self.client.submit(payload, ttl_seconds=self.ttl_seconds, on_bytes=self._count_bytes)
        return result, time.monotonic()

    def _count_bytes(self, bytes_transferred: int) -> None:
        with self._lock:
            self._sent += bytes_transferred

    def round(self, looks: ThreadPoolExecutor) -> bool:
        """Take in what has happened since the last round; True when nothing is left to wait for."""
        self.collect()
        if self.wait_seconds is not None:
            pending = [index for index in self.accepted if self.results[index].status is Status.UNDER_WAY]
            for index, result in zip(pending, looks.map(self._look, pending), strict=True):
                done = result.status is Status.COMPLETED
                self.results[index] = _guarded(self.on_completed, result) if done else result
        self._tell()
        waiting = any(result.status is Status.UNDER_WAY for result in self.results.values())
        return not self.futures and not (waiting and self.wait_seconds is not None)

    def collect(self) -> None:
        """Move requests that were sent, or could not be, from the futures to the results."""
        for index in [index for index, future in self.futures.items() if future.done()]:
            future = self.futures.pop(index)
            try:
                self.results[index], self.accepted[index] = future.result()
            except CancelledError:
                continue
            except _FAILURES as error:
                self.results[index] = replace(self.results[index], reason=str(error))

    def _look(self, index: int) -> Result:
        result = self.results[index]
        seconds = time.monotonic() - self.accepted[index]
        found = _guarded(lambda one: self.client.look(one, seconds) or one, result)
        if found.status is Status.UNDER_WAY and self.wait_seconds is not None and seconds >= self.wait_seconds:
            return result.ended(Status.TIMED_OUT, seconds, reason=_no_answer(result, self.wait_seconds))
        return found

    def _tell(self) -> None:
        total = len(self.payloads)
        if self.futures:
            size = sum(payload.size for payload in self.payloads)
            self.reporter.progress("uploading, MB", round(self._sent / 1e6, 1), round(size / 1e6, 1))
        elif self.wait_seconds is not None:
            states = [result.status for result in self.results.values()]
            seconds = time.monotonic() - self.started
            self.reporter.progress(f"answers after {seconds:.0f} s", total - states.count(Status.UNDER_WAY), total)


def _guarded(work: Callable[[Result], Result], result: Result) -> Result:
    try:
        return work(result)
    except _FAILURES as error:
        return replace(result, status=Status.UNKNOWN, reason=f"the answer cannot be read: {error}")


def _no_answer(result: Result, seconds: float) -> str:
    places = " nor ".join(place for place in (result.output_location, result.failure_location) if place)
    return f"no answer after {seconds:g} s: neither {places} is there, or they may not be read (s3:GetObject)"
