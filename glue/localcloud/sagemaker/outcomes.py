"""What becomes of a request: the object in S3, the notification, the metrics. Every request has one outcome."""

import contextlib
import json
import logging
from collections.abc import Callable, Iterator
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError

from glue.localcloud.accounts import Scope
from glue.localcloud.clients import Clients
from glue.localcloud.clock import Clock
from glue.localcloud.monitoring.metrics import Metrics, RequestMetrics
from glue.localcloud.sagemaker import notifications
from glue.localcloud.sagemaker.invocation import AsyncRequest, Completed, Failed, Outcome, expired
from glue.s3_uris import split_s3_uri

_log = logging.getLogger(__name__)


class UploadError(Exception):
    """A response could not be written. The message says why."""


class Outcomes:
    """Tells the world how requests end."""

    def __init__(self, clients: Clients, clock: Clock, metrics: Metrics) -> None:
        self._clients = clients
        self._clock = clock
        self._metrics = metrics

    def measured(self, scope: Scope, request: AsyncRequest) -> RequestMetrics:
        """Where a request is counted and timed."""
        return self._metrics.of(scope, request.endpoint, request.variant)

    def upload(self, scope: Scope, request: AsyncRequest, body: IO[bytes], content_type: str) -> None:
        """Write the response to the request's output location, if it has one.

        Raises:
            UploadError: S3 did not take it.
        """
        if not request.output_location:
            return
        measured = self.measured(scope, request)
        try:
            with measured.timed("ResponseUploadLatency"):
                self._put(scope, request, request.output_location, body, content_type)
        except (ClientError, BotoCoreError) as error:
            measured.count("ResponseUploadFailures")
            raise UploadError(str(error)) from error

    def finish(self, scope: Scope, request: AsyncRequest, outcome: Outcome) -> None:
        """Write the failure object of a failed request, publish the outcome of any, and count it."""
        self._conclude(scope, request, outcome)
        measured = self.measured(scope, request)
        measured.count("InvocationsProcessed")
        if isinstance(outcome, Failed):
            measured.count("InvocationFailures")
        measured.lasted("TotalProcessingTime", (self._clock.now() - request.received).total_seconds())

    def expire(self, scope: Scope, request: AsyncRequest) -> None:
        """Fail a request that waited for too long."""
        self._conclude(scope, request, expired(request))
        self.measured(scope, request).count("ExpiredRequests")

    def publish(self, scope: Scope, topic: str, message: dict[str, Any]) -> None:
        """Publish a document to a topic, which may lie in another region."""
        region = topic.split(":")[3]
        self._clients.get(Scope(scope.account, region), "sns").publish(TopicArn=topic, Message=json.dumps(message))

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
        with _logged(f"notification to {topic}", lambda: self.measured(scope, request).count("NotificationFailures")):
            self.publish(scope, topic, message)

    def _put(self, scope: Scope, request: AsyncRequest, uri: str, body: bytes | IO[bytes], content_type: str) -> None:
        bucket, key = split_s3_uri(uri)
        encryption = {}
        if kms_key := request.settings["OutputConfig"].get("KmsKeyId"):
            encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key}
        if not isinstance(body, bytes):
            body.seek(0)
        s3 = self._clients.get(scope, "s3")
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type, **encryption)


@contextlib.contextmanager
def _logged(what: str, on_failure: Callable[[], None] = lambda: None) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError, ValueError) as error:
        _log.warning("%s failed: %s", what, error)
        on_failure()
    except Exception:  # noqa: BLE001 - what else tells of this outcome must happen all the same
        _log.exception("%s failed", what)
        on_failure()
