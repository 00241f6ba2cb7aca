"""The way of a request through an instance: input, `POST /invocations`, output. Every request ends in one outcome."""

import contextlib
import logging
import tempfile
import time
from collections.abc import Iterator
from typing import IO

from glue.localcloud.accounts import Scope
from glue.localcloud.clients import Clients
from glue.localcloud.clock import Clock, Deadline
from glue.localcloud.compute.instances import Instance, NotReadyError
from glue.localcloud.compute.runtime import Sink
from glue.localcloud.fault_injection.faults import Faults
from glue.localcloud.sagemaker import data_log, delivery, inputs, notifications
from glue.localcloud.sagemaker.invocation import (
    DEFAULT_CONTENT_TYPE,
    AsyncRequest,
    Completed,
    Outcome,
    failed,
    log_hint,
    refused,
    timed_out,
)
from glue.localcloud.sagemaker.outcomes import Outcomes, UploadError
from glue.localcloud.sagemaker.request_queue import RequestQueue

DEFAULT_CONCURRENCY = 1
"""Requests at a time in one instance when the endpoint config leaves the choice to the service."""

_ATTEMPTS = 2
_SPOOL_IN_MEMORY = 1024 * 1024
_PAUSE = 0.05  # until an instance that ended is known to have ended

_log = logging.getLogger(__name__)


class Invoker:
    """Carries requests to instances. An input is of `largest_input` bytes at most."""

    def __init__(
        self,
        clients: Clients,
        clock: Clock,
        faults: Faults,
        outcomes: Outcomes,
        *,
        largest_input: int = inputs.LARGEST,
    ) -> None:
        self._clients = clients
        self._clock = clock
        self._faults = faults
        self._outcomes = outcomes
        self._largest_input = largest_input

    def handle(
        self, scope: Scope, queue: RequestQueue, instance: Instance, request: AsyncRequest, *, data_log_sink: Sink
    ) -> None:
        """See one request that was taken from `queue` to its outcome, or back into the queue when the instance died."""
        if request.expired(self._clock.now()):
            self._outcomes.expire(scope, request)
            return
        with _spool() as spool:
            outcome = self._attempt(scope, instance, request, spool)
            if outcome is None:
                if request.attempts < _ATTEMPTS and queue.put(request):
                    return
                outcome = failed(
                    "ClientError: Received no response from model: the container ended while it handled the request. "
                    + log_hint(request.endpoint, scope.region, scope.account)
                )
            self._outcomes.finish(scope, request, outcome)
        data_log_sink(data_log.line(request, outcome, self._clock.now()))

    def _attempt(self, scope: Scope, instance: Instance, request: AsyncRequest, spool: IO[bytes]) -> Outcome | None:
        """What becomes of a request in `instance`, the output written if there is one; None: it is to be tried again.

        `spool` holds what the container answers.

        Writing the output is the last that can fail: no request has an output and a failure.
        """
        hint = log_hint(request.endpoint, scope.region, scope.account)
        try:
            return self._answered(scope, request, self._invoke(scope, instance, request, spool), hint)
        except delivery.NotDeliveredError:
            time.sleep(_PAUSE)
        except delivery.ContainerLostError as error:
            _log.info("request %s: instance %s did not answer: %s", request.key, instance.id, error)
            instance.await_end()  # or the request would come to the container that is ending once more
        except delivery.TimedOutError:
            return failed(timed_out(request, hint))
        except delivery.NotHeldError as error:
            return failed(f"InternalServerError: the local cloud has no room for the response: {error}")
        except inputs.InputError as error:
            self._outcomes.measured(scope, request).count("RequestDownloadFailures")
            return failed(str(error))
        except Exception:  # noqa: BLE001 - whatever goes wrong here, the request must not be lost
            _log.exception("request %s of %s", request.key, request.endpoint)
            return failed("InternalServerError: the local cloud failed; see its log")
        return None

    def _answered(self, scope: Scope, request: AsyncRequest, answer: delivery.Answer, hint: str) -> Outcome:
        """The outcome of a request that a container answered."""
        body = answer.small(notifications.RESPONSE_LIMIT)
        if not 200 <= answer.status < 300:
            return refused(answer.status, answer.body if body is None else body, answer.content_type, hint)
        if not answer.sized:
            what = "The response from container primary did not specify the required Content-Length header"
            return failed(f"ClientError: {what}. {hint}")
        content_type = answer.content_type or DEFAULT_CONTENT_TYPE
        try:
            self._outcomes.upload(scope, request, answer.body, content_type)
        except UploadError as error:
            return failed(f"ClientError: Could not upload the response to {request.output_location}: {error}")
        return Completed(content_type, body)

    def _invoke(self, scope: Scope, instance: Instance, request: AsyncRequest, spool: IO[bytes]) -> delivery.Answer:
        measured = self._outcomes.measured(scope, request)
        _address(instance)  # before anything is fetched for it
        if not request.left_queue:
            request.left_queue = True
            measured.lasted("TimeInBacklog", (self._clock.now() - request.received).total_seconds())
        began = self._clock.elapsed()
        with contextlib.closing(inputs.open_input(self._clients, scope, request, self._largest_input)) as body:
            opened_in = self._clock.elapsed() - began
            limit = self._clock.deadline(request.timeout)
            self._hang(request, limit)
            with measured.timed("ModelLatency"), delivery.connected(_address(instance)) as connection:
                request.attempts += 1
                measured.lasted("RequestDownloadLatency", opened_in)
                headers = {**request.headers(), "Content-Length": str(body.size), "Connection": "close"}
                answer = delivery.post(connection, headers, body, spool, limit)
        if instance.cut_off():
            raise delivery.ContainerLostError("there is no connection to it")
        measured.answered(answer.status)
        return answer

    def _hang(self, request: AsyncRequest, limit: Deadline) -> None:
        """Get no answer, if that is the request's fate; go on when the fault is ended before its time is over."""
        fault = self._faults.strikes("hang", request.endpoint)
        while fault and not self._faults.over(fault):
            if limit.passed:
                raise delivery.TimedOutError
            time.sleep(min(_PAUSE, limit.real_remaining))


@contextlib.contextmanager
def _spool() -> Iterator[IO[bytes]]:
    """Room for an answer."""
    spool = tempfile.SpooledTemporaryFile(max_size=_SPOOL_IN_MEMORY)  # noqa: SIM115 - whose end may fail
    try:
        yield spool
    finally:
        with contextlib.suppress(OSError):  # what did not fit is known by now
            spool.close()


def _address(instance: Instance) -> tuple[str, int]:
    """Where requests reach it."""
    if instance.cut_off():
        raise delivery.NotDeliveredError
    try:
        return instance.address
    except NotReadyError as error:
        raise delivery.NotDeliveredError from error
