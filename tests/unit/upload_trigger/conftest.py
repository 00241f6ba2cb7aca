"""Puts the function's folder on the path, as Lambda does with the package, and makes a bucket that keeps versions."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
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
    """The endpoint's side: takes requests, or fails as often as it is told."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def invoke_endpoint_async(self, **request: Any) -> dict[str, str]:
        if self.failures:
            raise self.failures.pop(0)
        self.requests.append(request)
        return {"InferenceId": request["InferenceId"], "OutputLocation": "s3://out", "FailureLocation": "s3://fail"}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name, value in {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield Bucket(s3)
