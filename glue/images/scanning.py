"""ECR's scan of an image for known vulnerabilities, and what of it a profile allows."""

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from glue.errors import FailedError
from glue.images.ecr import Repository
from glue.profiles.models import SEVERITIES, ImageScan
from glue.progress import Reporter

_POLL_SECONDS = 5.0
_WAITING = frozenset({"IN_PROGRESS", "PENDING"})
_DONE = frozenset({"COMPLETE", "ACTIVE"})


def wait(
    client: Any,
    repository: Repository,
    digest: str,
    limit: ImageScan,
    reporter: Reporter,
    *,
    poll_seconds: float = _POLL_SECONDS,
) -> Mapping[str, int]:
    """Wait until the image `digest` was scanned; returns the number of findings by severity.

    Raises:
        FailedError: there is a finding that `limit` does not allow, no result within its time, or none at all.
    """
    reporter.step("waiting for the registry's scan")
    image = f"{repository.url}@{digest}"
    found = _result(client, repository, digest, limit.wait_seconds, poll_seconds)
    status, reason = found.get("status", "PENDING"), found.get("description") or "no reason given"
    if status in _WAITING:
        raise FailedError(f"{image}: no result of the scan within {limit.wait_seconds} s: {status}: {reason}")
    if status not in _DONE:
        if limit.unscanned == "allow":
            reporter.note(f"not scanned, which image_scan.unscanned allows: {status}: {reason}")
            return {}
        raise FailedError(
            f"{image}: the registry does not scan it: {status}: {reason}",
            hints=["allow it by image_scan.unscanned in the profile, and scan it in another way"],
        )
    counts: Mapping[str, int] = found.get("counts", {})
    reporter.note(", ".join(f"{name.lower()}: {count}" for name, count in counts.items()) or "nothing found")
    refused = beyond(counts, limit.worst_allowed)
    if refused:
        listed = ", ".join(f"{count} {name.lower()}" for name, count in refused.items())
        raise FailedError(
            f"{image}: the scan found {listed}; image_scan.worst_allowed is {limit.worst_allowed}",
            hints=["build on a newer base image", f"aws ecr describe-image-scan-findings {_named(repository, digest)}"],
        )
    return counts


def beyond(counts: Mapping[str, int], worst_allowed: str) -> dict[str, int]:
    """Those of `counts` (findings by severity, as ECR names them) that are worse than `worst_allowed`. Pure."""
    allowed = SEVERITIES[: SEVERITIES.index(worst_allowed) + 1]
    ranked = {name: count for name, count in counts.items() if name.lower() in SEVERITIES}
    return {name: count for name, count in ranked.items() if count and name.lower() not in allowed}


def _result(client: Any, repository: Repository, digest: str, seconds: float, poll_seconds: float) -> Mapping[str, Any]:
    """The scan's status, once it is no longer under way or `seconds` are over, and the findings by severity."""
    arguments = {**repository.arguments, "imageId": {"imageDigest": digest}}
    until = time.monotonic() + seconds
    asked = False
    while True:
        found: Mapping[str, Any] = {}
        try:
            found = client.describe_image_scan_findings(**arguments)
        except client.exceptions.ScanNotFoundException:  # a repository that does not scan what is pushed
            if not asked:
                _ask(client, arguments)
            asked = True
        status = found.get("imageScanStatus", {})
        if status.get("status", "PENDING") not in _WAITING or time.monotonic() >= until:
            return {**status, "counts": found.get("imageScanFindings", {}).get("findingSeverityCounts", {})}
        time.sleep(min(poll_seconds, max(0.0, until - time.monotonic())))


def _ask(client: Any, arguments: Mapping[str, Any]) -> None:
    """Have the image scanned. An image may be scanned once a day: then one is under way, or its result is to come."""
    with contextlib.suppress(client.exceptions.LimitExceededException):
        client.start_image_scan(**arguments)


def _named(repository: Repository, digest: str) -> str:
    return f"--repository-name {repository.name} --image-id imageDigest={digest}"
