import base64

from glue.localcloud.sagemaker import notifications
from glue.localcloud.sagemaker.invocation import Completed, Failed
from tests.localcloud.sagemaker.test_invocation import NOW, request

ENVELOPE = {
    "awsRegion": "us-east-1",
    "eventTime": "2026-11-01T12:00:00.123Z",
    "eventVersion": "1.0",
    "eventSource": "aws:sagemaker",
}
REQUEST = {
    "receivedTime": "2026-11-01T12:00:00.123Z",
    "requestParameters": {
        "contentType": "image/png",
        "accept": "application/json",
        "endpointName": "endpoint",
        "inputLocation": "s3://bucket/in",
    },
    "inferenceId": "an id",
    "eventName": "InferenceResult",
}


def message(outcome: Completed | Failed, *, include: bool = False) -> dict[str, object]:
    return notifications.result_message(request(), outcome, region="us-east-1", now=NOW, include=include)


def test_a_success_names_the_output() -> None:
    assert message(Completed("application/json", b"{}")) == {
        **ENVELOPE,
        **REQUEST,
        "invocationStatus": "Completed",
        "responseParameters": {"contentType": "application/json", "outputLocation": "s3://bucket/out/key.out"},
    }


def test_a_failure_names_the_reason_and_no_output() -> None:
    assert message(Failed("ClientError: no", b"no")) == {
        **ENVELOPE,
        **REQUEST,
        "invocationStatus": "Failed",
        "failureReason": "ClientError: no",
        "failureLocation": "s3://bucket/failures/key-error.out",
    }


def test_the_response_goes_along_when_it_is_wanted() -> None:
    body = message(Completed("text/plain", b"\x00\xff"), include=True)["responseBody"]
    assert body == {"content": base64.b64encode(b"\x00\xff").decode(), "message": "", "encoding": "BASE64"}


def test_a_response_that_is_too_large_is_only_spoken_of() -> None:
    body = message(Completed("text/plain", None), include=True)["responseBody"]
    assert isinstance(body, dict)
    assert set(body) == {"message"}


def test_what_the_client_did_not_give_is_left_out() -> None:
    bare = request(content_type=None, accept=None, input_location=None)
    told = notifications.result_message(bare, Completed("a/b", b""), region="us-east-1", now=NOW, include=False)
    assert told["requestParameters"] == {"endpointName": "endpoint"}


def test_a_new_endpoint_is_announced() -> None:
    assert notifications.test_message(region="us-east-1", now=NOW) == {**ENVELOPE, "eventName": "TestNotification"}
