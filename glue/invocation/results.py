"""What comes back: outcomes, and how the failure object and a notification are read. Pure."""

import json
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from glue.invocation.payloads import Payload, safe_name

_MODEL_ERROR = re.compile(r"Received (?:client|server) error \((\d{1,3})\)")
_GENERIC_TYPES = {"", "application/json", "application/octet-stream", "binary/octet-stream"}


class Status(StrEnum):
    """Where a request stands; the words are what people and `--json` see.

    FAILED means that the failure object is there, UNKNOWN that the answer could not be looked for or read.
    """

    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    UNDER_WAY = "under way"
    NOT_SENT = "not sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Result:
    """One request and what became of it. Times in seconds: `upload_seconds` until it was accepted, `answer_seconds`
    from there to the answer (waiting in the queue included)."""

    payload: Payload
    inference_id: str
    status: Status
    upload_seconds: float = 0.0
    answer_seconds: float | None = None
    input_location: str | None = None
    output_location: str | None = None
    failure_location: str | None = None
    content_type: str | None = None
    body: Path | None = None
    reason: str | None = None

    def ended(self, status: Status, seconds: float, **changes: Any) -> "Result":
        """This request, answered or given up after `seconds`."""
        return replace(self, status=status, answer_seconds=seconds, **changes)

    def document(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {
            "file": str(self.payload.file),
            "content_type": self.payload.content_type,
            "inference_id": self.inference_id,
            "status": self.status.value,
            "upload_seconds": round(self.upload_seconds, 3),
            "answer_seconds": None if self.answer_seconds is None else round(self.answer_seconds, 3),
            "input_location": self.input_location,
            "output_location": self.output_location,
            "failure_location": self.failure_location,
            "body": None if self.body is None else str(self.body),
            "reason": self.reason,
        }


def model_status(reason: str) -> int | None:
    """The HTTP status that the model's container answered with, as a failure's `reason` tells it, or None."""
    found = _MODEL_ERROR.search(reason)
    return int(found[1]) if found else None


def cause(reason: str) -> str:
    """`reason` in one sentence for people: the message inside, where it is our server's error document."""
    try:
        error = json.loads(reason)["error"]
        return f"{error['code']}: {error['message']}" if "code" in error else str(error["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return reason


def body_name(result: Result) -> str:
    """The name of the file that `result`'s answer goes to: `<stem of the sent file>.<inference id>.<suffix>`.

    The suffix is `.json` unless the answer has another type, `.out` for one without a usual suffix.
    """
    kind = (result.content_type or "").partition(";")[0].strip().lower()
    suffix = ".json" if kind in _GENERIC_TYPES else mimetypes.guess_extension(kind) or ".out"
    return f"{safe_name(result.payload.file.stem)}.{safe_name(result.inference_id)}{suffix}"


@dataclass(frozen=True)
class Notification:
    """An SNS message about one request, from topic `topic_arn`."""

    topic_arn: str
    inference_id: str
    status: str
    message: Mapping[str, Any]


def parse_notification(envelope: str) -> Notification | None:
    """The notification in `envelope`, the body of an SQS message that SNS delivered; None for any other message.

    Creating or updating an endpoint also publishes a `TestNotification`, which is one of those others.
    """
    try:
        outer = json.loads(envelope)
        message = json.loads(outer["Message"])
        if message["eventName"] != "InferenceResult":
            return None
        return Notification(outer["TopicArn"], message["inferenceId"], message["invocationStatus"], message)
    except (ValueError, KeyError, TypeError):
        return None
