"""One asynchronous request: what was asked, how the container gets it, and what became of it. Pure data and rules."""

import posixpath
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import IO, Any

DEFAULT_TTL = 21600
DEFAULT_TIMEOUT = 900
DEFAULT_CONTENT_TYPE = "application/octet-stream"
MESSAGE_LIMIT = 1024
"""Characters of a container's error that a failure reason repeats."""

_LONGEST_CHARACTER = 4  # bytes of UTF-8


@dataclass(eq=False)
class AsyncRequest:
    """A request in the queue of an endpoint. Times in seconds of the local cloud's clock.

    `key` names the request among all requests of the cloud; the inference id is the client's and need not be unique.
    `settings` is the AsyncInferenceConfig under which it was accepted; `variant` has the request or, before, would be
    the first to have it; `attempts` counts how often a container had it. `number` is its place in the queue, 0
    before it has one; `left_queue` says that an instance was found for it once.
    """

    key: str
    inference_id: str
    endpoint: str
    variant: str
    input_location: str | None
    body: bytes | None
    content_type: str | None
    accept: str | None
    custom_attributes: str | None
    ttl: int
    timeout: int
    received: datetime
    settings: dict[str, Any]
    output_location: str | None
    failure_location: str | None
    attempts: int = field(default=0)
    number: int = field(default=0)
    left_queue: bool = field(default=False)

    def expired(self, now: datetime) -> bool:
        """Whether it has waited longer than its time to live."""
        return now - self.received > timedelta(seconds=self.ttl)

    def headers(self) -> dict[str, str]:
        """The headers of `POST /invocations`: those of the API that are the container's business, and no other."""
        forwarded = {
            "Content-Type": self.content_type or DEFAULT_CONTENT_TYPE,
            "Accept": self.accept,
            "X-Amzn-SageMaker-Custom-Attributes": self.custom_attributes,
            "X-Amzn-SageMaker-Inference-Id": self.inference_id,
        }
        return {name: value for name, value in forwarded.items() if value}


@dataclass(frozen=True)
class Completed:
    """The container answered 2xx. `body` is None when it is too large to be repeated in a notification."""

    content_type: str
    body: bytes | None


@dataclass(frozen=True)
class Failed:
    """There is no result. `body` is what the container answered, or the reason when it did not answer.

    It is a stream when it is too large to be repeated in a notification.
    """

    reason: str
    body: bytes | IO[bytes]
    content_type: str = "text/plain"


Outcome = Completed | Failed


def failed(reason: str) -> Failed:
    """A failure that the container did not answer itself."""
    return Failed(reason, reason.encode())


def expired(request: AsyncRequest) -> Failed:
    """The outcome of a request whose time to live was over before an instance was free for it, or free again."""
    if request.attempts:
        what = f"{request.ttl} seconds had passed before it could be tried again: the container that had it ended"
    else:
        what = f"it waited longer than {request.ttl} seconds in the queue"
    return failed(f"ClientError: The request expired: {what}.")


def timed_out(request: AsyncRequest, logs: str) -> str:
    """AWS's sentence for a container that does not answer in time. `logs` says where its log is."""
    return (
        "ClientError: Your invocation timed out while waiting for a response from container primary "
        f"(InvocationTimeoutSeconds is {request.timeout}). {logs}"
    )


def refused(status: int, body: bytes | IO[bytes], content_type: str | None, logs: str) -> Failed:
    """The container answered with an error. `logs` says where its log is."""
    start = body if isinstance(body, bytes) else _start(body)
    side = "client" if 400 <= status < 500 else "server"
    reason = f"ClientError: Received {side} error ({status}) from model"
    text = start.decode("utf-8", errors="replace").strip()
    if text:
        reason += f' with message "{text[:MESSAGE_LIMIT]}"'
    return Failed(f"{reason}. {logs}", body, content_type or DEFAULT_CONTENT_TYPE)


def _start(body: IO[bytes]) -> bytes:
    body.seek(0)
    return body.read(MESSAGE_LIMIT * _LONGEST_CHARACTER)


def log_hint(endpoint: str, region: str, account: str) -> str:
    """The sentence with which AWS ends a failure that the container's log explains."""
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    url = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={group}"
    return f"See {url} in account {account} for more information."


def locations(settings: dict[str, Any], key: str, extension: str | None, filename: str | None) -> tuple[str, str]:
    """Where the output and the failure of a request will lie; "" where the endpoint config names no path.

    Names as seen on AWS: `<output path>/<key>.out`, `<failure path>/<key>-error.out`.
    """
    output = settings["OutputConfig"].get("S3OutputPath", "")
    failure = settings["OutputConfig"].get("S3FailurePath", "")
    if output:
        output = posixpath.join(output, (extension or "").strip("/"), filename or f"{key}.out")
    if failure:
        failure = posixpath.join(failure, f"{key}-error.out")
    return output, failure
