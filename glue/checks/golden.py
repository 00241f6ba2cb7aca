"""Golden requests through a deployed endpoint: what their answers mean. Pure."""

import re

from glue.checks.comparison import differences, summary
from glue.checks.verdicts import Finding, failed, passed
from glue.invocation.results import Notification, Result, Status, model_status
from glue.workloads.golden import GoldenCase, Tolerance, parse_json


def judge(case: GoldenCase, result: Result, body: bytes | None, notification: Notification | None) -> Finding:
    """Whether `result` is what `case` expects.

    Args:
        body: the answer, when the request completed.
        notification: what the error topic said about the request, when it failed. It tells the container's status,
            which the failure object need not.
    """
    measured = {
        "inference_id": result.inference_id,
        "status": result.status.value,
        "answer_seconds": None if result.answer_seconds is None else round(result.answer_seconds, 3),
    }
    problem = _wrong_outcome(case, result) or (
        wrong_body(case, body) if result.status is Status.COMPLETED else _wrong_failure(case, result, notification)
    )
    if problem:
        return failed(problem, **measured)
    return passed(f"{case.expect.outcome} as expected", **measured)


def _wrong_outcome(case: GoldenCase, result: Result) -> str | None:
    expected = Status.COMPLETED if case.expect.outcome == "success" else Status.FAILED
    if result.status is expected:
        return None
    if result.status is Status.COMPLETED:
        return "expected a failure, was answered"
    reason = f": {result.reason}" if result.reason else ""
    return f"expected a {case.expect.outcome}, {result.status.value}{reason}"


def wrong_body(case: GoldenCase, body: bytes | None) -> str | None:
    """In what `body` is not the answer that `case` expects; None: it is."""
    try:
        answer = parse_json(body or b"")
    except ValueError as error:
        return f"the answer is not JSON: {error}"
    found = list(differences(case.body, answer, case.expect.tolerance or Tolerance()))
    return f"another answer: {summary(found)}" if found else None


def _wrong_failure(case: GoldenCase, result: Result, notification: Notification | None) -> str | None:
    reasons = [result.reason or "", str(notification.message.get("failureReason", "")) if notification else ""]
    if case.expect.status is not None:
        status = next((found for found in map(model_status, reasons) if found is not None), None)
        if status is None:
            return f"expected status {case.expect.status}, which nothing tells: {' / '.join(filter(None, reasons))}"
        if status != case.expect.status:
            return f"expected status {case.expect.status}, found {status}: {result.reason}"
    if case.expect.message is not None and not any(re.search(case.expect.message, reason) for reason in reasons):
        return f"expected a failure that says {case.expect.message!r}, found: {result.reason}"
    return None
