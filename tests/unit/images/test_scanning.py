"""Waiting for a registry's scan, with ECR's answers as its model has them."""

from collections.abc import Callable, Iterator

import boto3
import pytest
from botocore.stub import Stubber

from glue.errors import FailedError
from glue.images.ecr import Repository
from glue.images.scanning import beyond, wait
from glue.profiles.models import ImageScan
from glue.progress import Silent

DIGEST = f"sha256:{'1' * 64}"
REPOSITORY = Repository("111122223333.dkr.ecr.us-east-1.amazonaws.com/app", "111122223333", "us-east-1", "app")
ASKED = {"registryId": "111122223333", "repositoryName": "app", "imageId": {"imageDigest": DIGEST}}
Waiting = Callable[..., object]


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        ("critical", []),
        ("high", ["CRITICAL"]),
        ("medium", ["CRITICAL", "HIGH"]),
        ("none", ["CRITICAL", "HIGH", "LOW"]),
    ],
)
def test_findings_worse_than_the_limit_are_refused(allowed: str, refused: list[str]) -> None:
    counts = {"LOW": 4, "HIGH": 2, "CRITICAL": 1, "MEDIUM": 0, "UNDEFINED": 9}
    assert sorted(beyond(counts, allowed)) == refused


@pytest.fixture
def ecr() -> Iterator[Stubber]:
    client = boto3.client("ecr", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def _answer(ecr: Stubber, status: str, description: str = "", **counts: int) -> None:
    found = {
        "imageScanStatus": {"status": status, "description": description},
        "imageScanFindings": {"findingSeverityCounts": counts},
    }
    ecr.add_response("describe_image_scan_findings", found, ASKED)


def _wait(ecr: Stubber, limit: ImageScan | None = None) -> object:
    return wait(ecr.client, REPOSITORY, DIGEST, limit or ImageScan(), Silent(), poll_seconds=0)


def test_a_result_is_waited_for(ecr: Stubber) -> None:
    _answer(ecr, "PENDING")
    _answer(ecr, "IN_PROGRESS")
    _answer(ecr, "COMPLETE", LOW=3)
    assert _wait(ecr) == {"LOW": 3}


def test_continuous_scanning_has_a_result_as_well(ecr: Stubber) -> None:
    _answer(ecr, "ACTIVE", CRITICAL=1)
    with pytest.raises(FailedError, match=r"the scan found 1 critical; image_scan\.worst_allowed is high"):
        _wait(ecr)


def test_a_scan_that_does_not_end_is_not_waited_for_forever(ecr: Stubber) -> None:
    _answer(ecr, "IN_PROGRESS", "queued")
    limit = ImageScan.model_construct(wait_seconds=0, worst_allowed="high", unscanned="allow")
    with pytest.raises(FailedError, match="no result of the scan within 0 s: IN_PROGRESS: queued"):
        _wait(ecr, limit)


@pytest.mark.parametrize("status", ["FAILED", "UNSUPPORTED_IMAGE", "SCAN_ELIGIBILITY_EXPIRED", "FINDINGS_UNAVAILABLE"])
def test_what_cannot_be_scanned_is_the_profiles_to_allow(ecr: Stubber, status: str) -> None:
    _answer(ecr, status, "no such system")
    with pytest.raises(FailedError, match=f"does not scan it: {status}: no such system") as caught:
        _wait(ecr)
    assert "within" not in caught.value.message
    assert "image_scan.unscanned" in caught.value.hints[0]
    _answer(ecr, status)
    assert _wait(ecr, ImageScan(unscanned="allow")) == {}


def test_where_nothing_is_scanned_by_itself_a_scan_is_asked_for_once(ecr: Stubber) -> None:
    ecr.add_client_error("describe_image_scan_findings", "ScanNotFoundException")
    ecr.add_response("start_image_scan", {"imageScanStatus": {"status": "IN_PROGRESS"}}, ASKED)
    ecr.add_client_error("describe_image_scan_findings", "ScanNotFoundException")
    _answer(ecr, "COMPLETE")
    assert _wait(ecr) == {}


def test_an_image_that_was_scanned_today_is_waited_for_all_the_same(ecr: Stubber) -> None:
    ecr.add_client_error("describe_image_scan_findings", "ScanNotFoundException")
    ecr.add_client_error("start_image_scan", "LimitExceededException")
    _answer(ecr, "COMPLETE", HIGH=1)
    assert _wait(ecr) == {"HIGH": 1}
