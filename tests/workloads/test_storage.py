from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import EndpointConnectionError
from moto.server import ThreadedMotoServer
from room_detection.errors import RequestError
from room_detection.requests import S3Image
from room_detection.storage import fetch

BUCKET = "uploads"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    httpx.post(f"{endpoint}/moto-api/reset")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "000000000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers credentials
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="blueprints/plan 1.png", Body=b"bytes")
    yield client
    client.close()


def refused(bucket: str, key: str, most_bytes: int = 1000) -> int:
    with pytest.raises(RequestError) as caught:
        fetch(S3Image(bucket, key), most_bytes)
    assert str(caught.value).startswith(f"s3://{bucket}/{key}")
    return caught.value.status_code


def test_an_object_is_fetched(s3: Any) -> None:
    assert fetch(S3Image(BUCKET, "blueprints/plan 1.png"), 5) == b"bytes"


def test_a_missing_object_or_bucket_is_the_clients_fault(s3: Any) -> None:
    assert refused(BUCKET, "blueprints/none.png") == 404
    assert refused("no-such-bucket", "plan.png") == 404


def test_a_name_that_no_bucket_can_have_is_the_clients_fault(s3: Any) -> None:
    assert refused("Not A Bucket", "plan.png") == 400


def test_a_large_object_is_not_read(s3: Any) -> None:
    assert refused(BUCKET, "blueprints/plan 1.png", most_bytes=4) == 413


def test_an_object_that_the_role_may_not_read_is_the_clients_fault(
    s3: Any, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    httpx.post(f"{endpoint}/moto-api/reset-auth", content="0")
    try:
        assert refused(BUCKET, "blueprints/plan 1.png") == 403
    finally:
        httpx.post(f"{endpoint}/moto-api/reset-auth", content="1000000000")
        iam.close()


def test_an_unreachable_store_is_not_the_clients_fault(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(EndpointConnectionError):
        fetch(S3Image(BUCKET, "plan.png"), 1000)
