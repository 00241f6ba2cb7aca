"""Reading what SageMaker leaves behind: failure texts, notifications, names of answers."""

import json
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.invocation.payloads import Payload
from glue.invocation.results import (
    Result,
    Status,
    body_name,
    cause,
    model_status,
    parse_notification,
)

RESULT = Result(Payload(Path("plans/floor plan.png"), "image/png"), "1234-id", Status.COMPLETED)
TOPIC = "arn:aws:sns:us-east-1:000000000000:detector-error"


def _envelope(message: Any, **changes: Any) -> str:
    text = message if isinstance(message, str) else json.dumps(message)
    return json.dumps({"Type": "Notification", "TopicArn": TOPIC, "Message": text} | changes)


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ('ClientError: Received client error (415) from model with message "no". See …', 415),
        ("ClientError: Received server error (500) from model. See …", 500),
        ('Received server error (0) from primary with message "Your invocation timed out …"', 0),
        ("the container answered 415", None),
        ("", None),
    ],
)
def test_the_container_s_status_is_read_from_the_reason(reason: str, status: int | None) -> None:
    assert model_status(reason) == status


def test_the_cause_is_the_message_of_an_error_document_or_the_text_itself() -> None:
    assert cause('{"error": {"code": "unsupported_media_type", "message": "not an image"}}') == (
        "unsupported_media_type: not an image"
    )
    assert cause('{"error": {"message": "not an image"}}') == "not an image"
    for text in ("plain text", '{"error": "flat"}', "[1]", "null", '{"error": {"code": 1}}'):
        assert cause(text) == text


@pytest.mark.parametrize(
    ("content_type", "name"),
    [
        (None, "floor_plan.1234-id.json"),
        ("application/json; charset=utf-8", "floor_plan.1234-id.json"),
        ("binary/octet-stream", "floor_plan.1234-id.json"),
        ("image/png", "floor_plan.1234-id.png"),
        ("application/x-npy", "floor_plan.1234-id.out"),
    ],
)
def test_an_answer_s_file_is_named_after_file_id_and_type(content_type: str | None, name: str) -> None:
    assert body_name(replace(RESULT, content_type=content_type)) == name


@given(st.text(min_size=1, max_size=40), st.text(max_size=64), st.text(max_size=30))
def test_no_answer_s_name_leads_out_of_its_folder(stem: str, inference_id: str, content_type: str) -> None:
    payload = Payload(Path(PurePosixPath("x") / stem.replace("\0", "")), "image/png")
    name = body_name(replace(RESULT, payload=payload, inference_id=inference_id, content_type=content_type))
    assert "/" not in name
    assert name not in {".", ".."}
    assert Path("out", name).parent == Path("out")


def test_a_notification_is_read_from_sns_s_envelope() -> None:
    message = {"eventName": "InferenceResult", "inferenceId": "i", "invocationStatus": "Failed", "failureReason": "r"}
    found = parse_notification(_envelope(message))
    assert found is not None
    assert (found.topic_arn, found.inference_id, found.status) == (TOPIC, "i", "Failed")
    assert found.message["failureReason"] == "r"


@pytest.mark.parametrize(
    "envelope",
    [
        _envelope({"eventName": "TestNotification"}),
        _envelope({"eventName": "InferenceResult", "inferenceId": "i"}),
        _envelope("no JSON"),
        _envelope("[]"),
        "no JSON",
        "[]",
        json.dumps({"Message": "{}"}),
    ],
)
def test_any_other_message_is_ignored(envelope: str) -> None:
    assert parse_notification(envelope) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_message_at_all_breaks_the_reader(message: Any) -> None:
    assert parse_notification(_envelope(json.dumps(message))) is None


def test_a_result_s_document_is_json_with_every_field() -> None:
    result = RESULT.ended(Status.FAILED, 1.23456, reason="because")
    document = json.loads(json.dumps(result.document()))
    assert document["status"] == "failed"
    assert document["answer_seconds"] == 1.235
    assert document["reason"] == "because"
    assert document["body"] is None
