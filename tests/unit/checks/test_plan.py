"""Checks in order: skipped after a failed prerequisite, never ended by an exception."""

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from glue.checks.plan import Planned, execute
from glue.checks.verdicts import Finding, failed, passed
from glue.errors import FailedError
from glue.progress import Silent


def _raise(error: BaseException) -> Callable[[], Finding]:
    def run() -> Finding:
        raise error

    return run


def test_what_rests_on_a_failed_or_skipped_check_is_skipped_with_the_reason() -> None:
    planned = [
        Planned("one", lambda: failed("no", size=1)),
        Planned("two", _raise(AssertionError("must not run")), ("one",)),
        Planned("three", _raise(AssertionError("must not run")), ("two",)),
        Planned("four", lambda: passed("yes")),
    ]
    checks = list(execute(planned, Silent(), endpoint="detector"))
    assert [(check.id, check.verdict, check.message) for check in checks] == [
        ("one", "fail", "no"),
        ("two", "skip", "one did not pass"),
        ("three", "skip", "two did not pass"),
        ("four", "pass", "yes"),
    ]
    assert {check.endpoint for check in checks} == {"detector"}
    assert checks[0].measured == {"size": 1}


def test_a_prerequisite_may_lie_before_the_plan() -> None:
    first = list(execute([Planned("account", lambda: failed("no"))], Silent()))
    second = list(execute([Planned("endpoint", lambda: passed("yes"), ("account",))], Silent(), before=first))
    assert [check.verdict for check in second] == ["skip"]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FailedError("no variant"), "no variant"),
        (ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeModel"), "AWS refused: "),
    ],
)
def test_a_refusal_fails_its_check_and_no_other(error: Exception, message: str) -> None:
    checks = list(execute([Planned("one", _raise(error)), Planned("two", lambda: passed("yes"))], Silent()))
    assert [check.verdict for check in checks] == ["fail", "pass"]
    assert checks[0].message.startswith(message)


def test_ctrl_c_ends_all_checks() -> None:
    with pytest.raises(KeyboardInterrupt):
        list(execute([Planned("one", _raise(KeyboardInterrupt()))], Silent()))
