"""The way of a request: queue, instance, output or failure object, notification. Every request ends in one outcome."""

import contextlib
import json
import logging
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

import urllib3
from botocore.exceptions import BotoCoreError, ClientError

from glue.localcloud.accounts import Scope
from glue.localcloud.clients import Clients
from glue.localcloud.clock import Clock, Deadline
from glue.localcloud.compute.instances import Instance, NotReadyError
from glue.localcloud.fault_injection.faults import Faults
from glue.localcloud.monitoring.metrics import Metrics, RequestMetrics
from glue.localcloud.sagemaker import notifications
from glue.localcloud.sagemaker.invocation import (
    DEFAULT_CONTENT_TYPE,
    AsyncRequest,
    Completed,
    Failed,
    Outcome,
    failed,
    log_hint,
    refused,
)
from glue.s3_uris import split_s3_uri

DEFAULT_CONCURRENCY = 1
"""Requests at a time in one instance when the endpoint config leaves the choice to the service."""

_ATTEMPTS = 2
_CHUNK = 64 * 1024
_CONNECT_TIMEOUT = 2.0
_SPOOL_IN_MEMORY = 1024 * 1024
_PAUSE = 0.05  # until an instance that ended is known to have ended

_log = logging.getLogger(__name__)


class RequestQueue:
    """The requests of one endpoint that wait for an instance, in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: deque[AsyncRequest] = deque()
        self._taken: list[AsyncRequest] = []
        self._changed = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, request: AsyncRequest, *, first: bool = False) -> bool:
        """Add a request at the end, or in front when it has been there before; False when the queue is closed."""
        with self._changed:
            if self._closed:
                return False
            self._waiting.insert(0 if first else len(self._waiting), request)
            self._changed.notify_all()
            return True

    def take(self, ready: Callable[[], bool], ended: Callable[[], bool]) -> AsyncRequest | None:
        """Wait for a request while `ready`; None when `ended`. Both are looked at again after `wake`."""
        with self._changed:
            self._changed.wait_for(lambda: ended() or (ready() and bool(self._waiting)))
            if ended():
                return None
            self._taken.append(self._waiting.popleft())
            return self._taken[-1]

    def done(self, request: AsyncRequest) -> None:
        """A request that was taken has its outcome, or was put back."""
        with self._changed:
            self._taken = [one for one in self._taken if one is not request]

    def received(self) -> list[datetime]:
        """When the requests came in that wait or are processed."""
        with self._changed:
            known = {request.key: request for request in (*self._waiting, *self._taken)}
            return [request.received for request in known.values()]

    def wake(self) -> None:
        """Let those who wait look again."""
        with self._changed:
            self._changed.notify_all()

    def expired(self, now: datetime) -> list[AsyncRequest]:
        """Remove and return what has waited for too long."""
        with self._changed:
            over = [request for request in self._waiting if request.expired(now)]
            self._waiting = deque(request for request in self._waiting if not request.expired(now))
            return over

    def close(self) -> list[AsyncRequest]:
        """Take no more; what was waiting."""
        with self._changed:
            self._closed = True
            rest = list(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
            return rest


class Worker:
    """Feeds one instance from the queue, `concurrency` requests at a time at most, while it is ready and enabled."""

    def __init__(
        self,
        instance: Instance,
        queue: RequestQueue,
        handle: Callable[[Instance, AsyncRequest], None],
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
            self._handle(self.instance, request)
        finally:
            self._queue.done(request)
            self._slots.release()


@dataclass
class _Answer:
    status: int
    content_type: str | None
    sized: bool
    body: IO[bytes]
    size: int

    def small(self, limit: int) -> bytes | None:
        """The body, unless it is larger than `limit` bytes."""
        if self.size > limit:
            return None
        self.body.seek(0)
        return self.body.read()


class Invoker:
    """Carries requests to instances and their outcomes to S3 and SNS."""

    def __init__(self, clients: Clients, clock: Clock, faults: Faults, metrics: Metrics) -> None:
        self._clients = clients
        self._clock = clock
        self._faults = faults
        self._metrics = metrics

    def handle(self, scope: Scope, queue: RequestQueue, instance: Instance, request: AsyncRequest) -> None:
        """See one request that was taken from `queue` to its outcome, or back into the queue when the instance died."""
        now = self._clock.now()
        if request.expired(now):
            self.expire(scope, request)
            return
        if request.attempts == 0:
            self._measured(scope, request).lasted("TimeInBacklog", (now - request.received).total_seconds())
        request.attempts += 1
        try:
            with tempfile.SpooledTemporaryFile(max_size=_SPOOL_IN_MEMORY) as spool:
                answer = self._invoke(scope, instance, request, spool)
                self._finish_answered(scope, request, answer)
        except _NotDeliveredError:
            request.attempts -= 1
            time.sleep(_PAUSE)
            self._again(scope, queue, request)
        except _InstanceLostError:
            instance.await_end()  # or the request would come to the container that is ending once more
            self._again(scope, queue, request)
        except _RequestError as error:
            self.finish(scope, request, failed(error.reason))
        except Exception:  # noqa: BLE001 - whatever goes wrong here, the request must not be lost
            _log.exception("request %s of %s", request.key, request.endpoint)
            self.finish(scope, request, failed("InternalServerError: the local cloud failed; see its log"))

    def finish(self, scope: Scope, request: AsyncRequest, outcome: Outcome) -> None:
        """Write the failure object of a failed request, publish the outcome of any, and count it."""
        self._conclude(scope, request, outcome)
        measured = self._measured(scope, request)
        measured.count("InvocationsProcessed")
        if isinstance(outcome, Failed):
            measured.count("InvocationFailures")
        measured.lasted("TotalProcessingTime", (self._clock.now() - request.received).total_seconds())

    def expire(self, scope: Scope, request: AsyncRequest) -> None:
        """Fail a request that waited for too long."""
        self._conclude(scope, request, expired(request))
        self._measured(scope, request).count("ExpiredRequests")

    def _conclude(self, scope: Scope, request: AsyncRequest, outcome: Outcome) -> None:
        if isinstance(outcome, Failed) and request.failure_location:
            with _logged(f"failure object {request.failure_location}"):
                self._put(scope, request, request.failure_location, outcome.body, outcome.content_type)
        settings = request.settings["OutputConfig"].get("NotificationConfig", {})
        succeeded = isinstance(outcome, Completed)
        topic = settings.get("SuccessTopic" if succeeded else "ErrorTopic")
        if topic is None:
            return
        kind = notifications.SUCCESS_TOPIC if succeeded else notifications.ERROR_TOPIC
        include = kind in settings.get("IncludeInferenceResponseIn", [])
        now = self._clock.now()
        message = notifications.result_message(request, outcome, region=scope.region, now=now, include=include)
        with _logged(f"notification to {topic}", lambda: self._measured(scope, request).count("NotificationFailures")):
            self.publish(scope, topic, message)

    def publish(self, scope: Scope, topic: str, message: dict[str, Any]) -> None:
        """Publish a document to a topic, which may lie in another region."""
        region = topic.split(":")[3]
        self._clients.get(Scope(scope.account, region), "sns").publish(TopicArn=topic, Message=json.dumps(message))

    def _measured(self, scope: Scope, request: AsyncRequest) -> RequestMetrics:
        return self._metrics.of(scope, request.endpoint, request.variant)

    def _again(self, scope: Scope, queue: RequestQueue, request: AsyncRequest) -> None:
        reason = "ClientError: Received no response from model: the container ended while it handled the request. "
        if request.attempts < _ATTEMPTS and queue.put(request, first=True):
            return
        self.finish(scope, request, failed(reason + log_hint(request.endpoint, scope.region, scope.account)))

    def _finish_answered(self, scope: Scope, request: AsyncRequest, answer: _Answer) -> None:
        hint = log_hint(request.endpoint, scope.region, scope.account)
        if not 200 <= answer.status < 300:
            body = answer.small(notifications.RESPONSE_LIMIT) or b""
            self.finish(scope, request, refused(answer.status, body, answer.content_type, hint))
            return
        if not answer.sized:
            self.finish(scope, request, failed(f"ClientError: The response of the model has no Content-Length. {hint}"))
            return
        content_type = answer.content_type or DEFAULT_CONTENT_TYPE
        if request.output_location:
            answer.body.seek(0)
            measured = self._measured(scope, request)
            try:
                with measured.timed("ResponseUploadLatency"):
                    self._put(scope, request, request.output_location, answer.body, content_type)
            except (ClientError, BotoCoreError) as error:
                measured.count("ResponseUploadFailures")
                reason = f"ClientError: Could not upload the response to {request.output_location}: {error}"
                self.finish(scope, request, failed(reason))
                return
        self.finish(scope, request, Completed(content_type, answer.small(notifications.RESPONSE_LIMIT)))

    def _put(self, scope: Scope, request: AsyncRequest, uri: str, body: bytes | IO[bytes], content_type: str) -> None:
        bucket, key = split_s3_uri(uri)
        encryption = {}
        if kms_key := request.settings["OutputConfig"].get("KmsKeyId"):
            encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key}
        s3 = self._clients.get(scope, "s3")
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type, **encryption)

    def _invoke(self, scope: Scope, instance: Instance, request: AsyncRequest, spool: IO[bytes]) -> _Answer:
        measured = self._measured(scope, request)
        with measured.timed("RequestDownloadLatency"):
            body, length = self._input(scope, request)
        limit = self._clock.deadline(request.timeout)
        self._hang(request, scope, limit)
        if instance.cut_off():
            raise _NotDeliveredError
        try:
            host, port = instance.address
            with (
                measured.timed("ModelLatency"),
                urllib3.HTTPConnectionPool(host, port, maxsize=1, retries=False) as pool,
            ):
                response = pool.urlopen(
                    "POST",
                    "/invocations",
                    body=body,
                    headers={**request.headers(), "Content-Length": str(length), "Connection": "close"},
                    timeout=urllib3.Timeout(connect=_CONNECT_TIMEOUT, read=max(limit.real_remaining, 0.001)),
                    redirect=False,
                    preload_content=False,
                    decode_content=False,
                )
                size = _receive(response, spool, limit)
        except (NotReadyError, urllib3.exceptions.NewConnectionError) as error:
            raise _NotDeliveredError from error
        except (urllib3.exceptions.ReadTimeoutError, TimeoutError) as error:
            raise _RequestError(_timed_out(request, scope)) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            _log.info("request %s: instance %s did not answer: %s", request.key, instance.id, error)
            raise _InstanceLostError from error
        if instance.cut_off():
            raise _InstanceLostError
        measured.answered(response.status)
        sized = "Content-Length" in response.headers
        return _Answer(response.status, response.headers.get("Content-Type"), sized, spool, size)

    def _hang(self, request: AsyncRequest, scope: Scope, limit: Deadline) -> None:
        """Get no answer, if that is the request's fate; go on when the fault is ended before its time is over."""
        fault = self._faults.strikes("hang", request.endpoint)
        while fault and not self._faults.over(fault):
            if limit.passed:
                raise _RequestError(_timed_out(request, scope))
            time.sleep(min(_PAUSE, limit.real_remaining))

    def _input(self, scope: Scope, request: AsyncRequest) -> tuple[Any, int]:
        if request.input_location is None:
            body = request.body or b""
            return body, len(body)
        try:
            bucket, key = split_s3_uri(request.input_location)
            found = self._clients.get(scope, "s3").get_object(Bucket=bucket, Key=key)
        except (ValueError, ClientError, BotoCoreError) as error:
            self._measured(scope, request).count("RequestDownloadFailures")
            raise _RequestError(
                f"ClientError: Could not download the input {request.input_location}: {error}"
            ) from error
        return found["Body"], found["ContentLength"]


class _NotDeliveredError(Exception):
    """The instance was gone before it got the request."""


class _InstanceLostError(Exception):
    """The instance ended while it had the request: it may have been handled."""


class _RequestError(Exception):
    """The request cannot be answered; trying again would not help."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def expired(request: AsyncRequest) -> Failed:
    """The outcome of a request that waited for too long."""
    return failed(f"ClientError: The request expired: it waited longer than {request.ttl} seconds in the queue.")


def _timed_out(request: AsyncRequest, scope: Scope) -> str:
    """AWS's sentence for a container that does not answer in time."""
    return (
        "ClientError: Your invocation timed out while waiting for a response from container primary "
        f"(InvocationTimeoutSeconds is {request.timeout}). {log_hint(request.endpoint, scope.region, scope.account)}"
    )


def _receive(response: urllib3.BaseHTTPResponse, spool: IO[bytes], limit: Deadline) -> int:
    size = 0
    while chunk := response.read1(_CHUNK):
        spool.write(chunk)
        size += len(chunk)
        if limit.passed:
            raise TimeoutError
    return size


@contextlib.contextmanager
def _logged(what: str, on_failure: Callable[[], None] = lambda: None) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError, ValueError) as error:
        _log.warning("%s failed: %s", what, error)
        on_failure()
