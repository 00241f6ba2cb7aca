"""Evidence: one document with one form, whose verdict follows from its checks."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from glue.evidence import Check, Evidence, GoldenResult, canonical, evidence_key, verdict_of
from glue.profiles import load_profile
from glue.project import Project

PASSED = Check(id="endpoint", verdict="pass", message="it is InService", measured={"instances": 1}, seconds=0.5)
FAILED = Check(id="timeouts", verdict="fail", message="60 s, floor 300 s", seconds=0.1)
SKIPPED = Check(id="golden", verdict="skip", message="no golden requests", seconds=0)
GOLDEN = GoldenResult(endpoint="detector", case="room", verdict="fail", message="3 rooms, expected 4", seconds=2)


def _evidence(**changes: Any) -> Evidence:
    fields: dict[str, Any] = {
        "environment": "dev",
        "release": "a" * 64,
        "verdict": "pass",
        "checks": [PASSED],
        "tools": {"glue": "1", "terraform": "1.11.4"},
        "created": datetime(2026, 11, 1, 12, 0, tzinfo=UTC),
    }
    return Evidence(**(fields | changes))


@pytest.mark.parametrize(
    ("findings", "verdict"),
    [
        ([PASSED], "pass"),
        ([PASSED, SKIPPED], "pass"),
        ([PASSED, FAILED], "fail"),
        ([PASSED, GOLDEN], "fail"),
        ([SKIPPED], "fail"),
        ([], "fail"),
    ],
)
def test_the_verdict_follows_from_the_checks(findings: list[Check | GoldenResult], verdict: str) -> None:
    assert verdict_of(findings) == verdict


@pytest.mark.parametrize(
    "changes",
    [
        {"checks": [PASSED, FAILED]},
        {"golden": [GOLDEN]},
        {"verdict": "fail"},
        {"checks": []},
        {"created": datetime(2026, 11, 1, 12, 0)},  # noqa: DTZ001 - the point of it
        {"release": "latest"},
        {"extra": 1},
        {"checks": [{**PASSED.model_dump(), "seconds": float("nan")}]},
    ],
)
def test_a_document_that_contradicts_itself_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _evidence(**changes)


def test_the_document_has_one_form() -> None:
    one = canonical(_evidence(tools={"glue": "1", "terraform": "1.11.4"}))
    other = canonical(_evidence(tools={"terraform": "1.11.4", "glue": "1"}))
    assert one == other
    assert Evidence.model_validate_json(one) == _evidence()
    assert canonical(Evidence.model_validate_json(one)) == one
    assert b'"created": "2026-11-01T12:00:00Z"' in one
    assert hashlib.sha256(one).hexdigest() != hashlib.sha256(canonical(_evidence(environment="prod"))).hexdigest()


def test_it_lies_beside_the_state_by_environment_and_release(project: Project) -> None:
    profile = load_profile(project.envs_dir, "dev")
    assert evidence_key(profile, "a" * 64) == f"state/evidence/dev/{'a' * 64}.json"
