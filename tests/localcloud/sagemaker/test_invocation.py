from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest

from glue.localcloud.sagemaker.invocation import MESSAGE_LIMIT, AsyncRequest, locations, log_hint, refused

NOW = datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)


def request(**changes: Any) -> AsyncRequest:
    facts: dict[str, Any] = {
        "key": "key",
        "inference_id": "an id",
        "endpoint": "endpoint",
        "variant": "AllTraffic",
        "input_location": "s3://bucket/in",
        "body": None,
        "content_type": "image/png",
        "accept": "application/json",
        "custom_attributes": "trace=1",
        "ttl": 60,
        "timeout": 5,
        "received": NOW,
        "settings": {"OutputConfig": {}},
        "output_location": "s3://bucket/out/key.out",
        "failure_location": "s3://bucket/failures/key-error.out",
    }
    return AsyncRequest(**(facts | changes))


def test_the_container_gets_the_headers_of_the_api_and_no_other() -> None:
    assert request().headers() == {
        "Content-Type": "image/png",
        "Accept": "application/json",
        "X-Amzn-SageMaker-Custom-Attributes": "trace=1",
        "X-Amzn-SageMaker-Inference-Id": "an id",
    }


def test_what_the_client_left_out_is_left_out() -> None:
    bare = request(content_type=None, accept=None, custom_attributes=None)
    assert bare.headers() == {
        "Content-Type": "application/octet-stream",
        "X-Amzn-SageMaker-Inference-Id": "an id",
    }


def test_a_request_expires_when_it_waited_longer_than_its_time_to_live() -> None:
    assert not request().expired(NOW + timedelta(seconds=60))
    assert request().expired(NOW + timedelta(seconds=60, microseconds=1))


@pytest.mark.parametrize("end", ["", "/"])
def test_outcomes_are_named_as_on_aws(end: str) -> None:
    settings = {"OutputConfig": {"S3OutputPath": f"s3://b/out{end}", "S3FailurePath": f"s3://b/failures{end}"}}
    assert locations(settings, "k", None, None) == ("s3://b/out/k.out", "s3://b/failures/k-error.out")
    assert locations(settings, "k", "of/today/", "answer.json") == (
        "s3://b/out/of/today/answer.json",
        "s3://b/failures/k-error.out",
    )


def test_without_a_path_there_is_no_place() -> None:
    assert locations({"OutputConfig": {}}, "k", None, None) == ("", "")


@pytest.mark.parametrize(("status", "side"), [(400, "client"), (415, "client"), (500, "server"), (503, "server")])
def test_an_error_of_the_container_is_told_with_its_message(status: int, side: str) -> None:
    outcome = refused(
        status, b'{"message": "no image"}', "application/json", log_hint("e", "us-east-1", "111122223333")
    )
    assert outcome.reason == (
        f'ClientError: Received {side} error ({status}) from model with message "{{"message": "no image"}}". '
        "See https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1"
        "#logEventViewer:group=/aws/sagemaker/Endpoints/e in account 111122223333 for more information."
    )
    assert outcome.body == b'{"message": "no image"}'


def test_a_long_error_is_cut_in_the_reason_and_whole_in_the_object() -> None:
    for body in (b"x" * 5000, BytesIO(b"x" * 5000)):
        outcome = refused(500, body, None, "hint")
        assert f'"{"x" * MESSAGE_LIMIT}"' in outcome.reason
        assert outcome.body is body
