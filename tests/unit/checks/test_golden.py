"""What an answer to a golden request means."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from glue.checks.golden import judge
from glue.invocation.payloads import Payload
from glue.invocation.results import Notification, Result, Status
from glue.workloads.golden import Expectation, GoldenCase, Request, Tolerance

COMPLETED = Result(Payload(Path("plan.png"), "image/png"), "the-id", Status.COMPLETED, answer_seconds=1.23456)
FAILED = replace(COMPLETED, status=Status.FAILED, reason='{"error": {"code": "x", "message": "not an image"}}')
REASON = 'ClientError: Received client error (415) from model with message "not an image". See …'


def _case(expect: Expectation, body: Any = None) -> GoldenCase:
    request = Request(file="plan.png", content_type="image/png")
    return GoldenCase(name="a", description="a", request=request, expect=expect, file=Path("plan.png"), body=body)


SUCCESS = _case(
    Expectation(outcome="success", body="expected.json", tolerance=Tolerance(absolute=3)), body={"area": 100}
)


def _failure(status: int | None = 415, message: str | None = "not an? image") -> GoldenCase:
    return _case(Expectation(outcome="failure", status=status, message=message))


def _announced(reason: str) -> Notification:
    return Notification("topic", "the-id", "Failed", {"failureReason": reason})


def test_an_answer_within_tolerance_passes_and_is_measured() -> None:
    found = judge(SUCCESS, COMPLETED, b'{"area": 103}', None)
    assert found.verdict == "pass"
    assert found.measured == {"inference_id": "the-id", "status": "completed", "answer_seconds": 1.235}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"area": 104}', "another answer: $.area: expected 100 (± 3 or 0 of it), found 104"),
        (b'{"area": NaN}', "the answer is not JSON: NaN is no JSON value"),
        (b"", "the answer is not JSON: "),
        (None, "the answer is not JSON: "),
        (b"\xff\xfe\x00", "the answer is not JSON: "),
        (b"[" * 100_000, "the answer is not JSON: "),
    ],
)
def test_another_answer_fails_and_says_where(body: bytes | None, message: str) -> None:
    found = judge(SUCCESS, COMPLETED, body, None)
    assert found.verdict == "fail"
    assert found.message.startswith(message)


@pytest.mark.parametrize("status", [one for one in Status if one is not Status.COMPLETED])
def test_a_success_without_an_answer_fails_with_the_reason(status: Status) -> None:
    found = judge(SUCCESS, replace(COMPLETED, status=status, reason="because"), None, None)
    assert (found.verdict, found.message) == ("fail", f"expected a success, {status.value}: because")


def test_an_expected_failure_passes_with_the_status_that_the_topic_tells() -> None:
    assert judge(_failure(), FAILED, None, _announced(REASON)).verdict == "pass"


def test_an_expected_failure_passes_with_the_status_that_the_failure_object_tells() -> None:
    assert judge(_failure(), replace(FAILED, reason=REASON), None, None).verdict == "pass"


def test_a_failure_without_a_status_anywhere_fails_where_one_is_expected() -> None:
    found = judge(_failure(), FAILED, None, None)
    assert (found.verdict, "expected status 415, which nothing tells" in found.message) == ("fail", True)
    assert judge(_failure(status=None), FAILED, None, None).verdict == "pass"


def test_another_status_or_another_message_fails() -> None:
    assert "expected status 400, found 415" in judge(_failure(400), FAILED, None, _announced(REASON)).message
    found = judge(_failure(message="too large"), FAILED, None, _announced(REASON))
    assert (found.verdict, "says 'too large'" in found.message) == ("fail", True)


@pytest.mark.parametrize("status", [one for one in Status if one is not Status.FAILED])
def test_only_a_failure_object_is_an_expected_failure(status: Status) -> None:
    assert judge(_failure(), replace(FAILED, status=status), b"{}", _announced(REASON)).verdict == "fail"
