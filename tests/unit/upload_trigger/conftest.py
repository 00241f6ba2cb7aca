"""Puts the function's folder on the path, as Lambda does with the package, and makes a bucket that keeps versions."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from moto import mock_aws

FUNCTION = Path(__file__).parents[3] / "modules/upload_trigger/function"
if str(FUNCTION) not in sys.path:
    sys.path.insert(0, str(FUNCTION))

BUCKET = "platform-data"


@dataclass
class Bucket:
    """Uploads to a bucket, and the events that S3 sends of them."""

    s3: Any

    def upload(self, key: str, body: bytes = b"content", **options: str) -> dict[str, Any]:
        """Upload an object; the event that EventBridge delivers."""
        answer = self.s3.put_object(Bucket=BUCKET, Key=key, Body=body, **options)
        return event(key, answer["VersionId"])

    def read(self, key: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body


def event(key: str, version: str | None) -> dict[str, Any]:
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": BUCKET}, "object": {"key": key, "version-id": version}},
    }


@dataclass
class Runtime:
    """The endpoint's side: takes requests, or fails as often as it is told. `then` runs once a request is taken."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    then: Callable[[], None] = lambda: None

    def invoke_endpoint_async(self, **request: Any) -> dict[str, str]:
        if self.failures:
            raise self.failures.pop(0)
        self.requests.append(request)
        self.then()
        return {"InferenceId": request["InferenceId"], "OutputLocation": "s3://out", "FailureLocation": "s3://fail"}


class Answers:
    """An S3 client's side of the network: of the next answers to PutObject, as many as `lost` do not arrive."""

    def __init__(self, s3: Any) -> None:
        self.lost: list[bool] = []
        s3.meta.events.register_first("before-send.s3.PutObject", self._refuse)
        s3.meta.events.register_last("after-call.s3.PutObject", self._lose)

    def lose(self, times: int, *, written: bool = False) -> None:
        """Answer the next `times` with an error, before the object is written, or after it."""
        self.lost = [written] * times

    def _refuse(self, **_: Any) -> None:
        if self.lost and not self.lost[0]:
            self.lost.pop(0)
            raise EndpointConnectionError(endpoint_url="https://s3")

    def _lose(self, **_: Any) -> None:
        if self.lost and self.lost[0]:
            self.lost.pop(0)
            raise ReadTimeoutError(endpoint_url="https://s3")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name, value in {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1", config=Config(retries={"total_max_attempts": 1}))
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield Bucket(s3)
