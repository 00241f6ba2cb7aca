"""ECR's scan of an image for known vulnerabilities, and what of it a profile allows."""

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


def wait(client: Any, repository: Repository, digest: str, limit: ImageScan, reporter: Reporter) -> Mapping[str, int]:
    """Wait until the image `digest` was scanned; returns the number of findings by severity.

    Raises:
        FailedError: there is a finding that `limit` does not allow, or no result within its time.
    """
    reporter.step("waiting for the registry's scan")
    until = time.monotonic() + limit.wait_seconds
    status = ""
    while True:
        found = _describe(client, repository, digest)
        status = found.get("imageScanStatus", {}).get("status", "PENDING")
        if status not in _WAITING or time.monotonic() > until:
            break
        time.sleep(min(_POLL_SECONDS, max(0.0, until - time.monotonic())))
    if status not in _DONE:
        reason = found.get("imageScanStatus", {}).get("description", "no reason given")
        raise FailedError(
            f"{repository.url}@{digest}: no result of the scan within {limit.wait_seconds} s: {status}: {reason}"
        )
    counts: Mapping[str, int] = found.get("imageScanFindings", {}).get("findingSeverityCounts", {})
    reporter.note(", ".join(f"{name.lower()}: {count}" for name, count in counts.items()) or "nothing found")
    refused = beyond(counts, limit.worst_allowed)
    if refused:
        listed = ", ".join(f"{count} {name.lower()}" for name, count in refused.items())
        raise FailedError(
            f"{repository.url}@{digest}: the scan found {listed}; image_scan.worst_allowed is {limit.worst_allowed}",
            hints=["build on a newer base image", f"aws ecr describe-image-scan-findings {_named(repository, digest)}"],
        )
    return counts


def beyond(counts: Mapping[str, int], worst_allowed: str) -> dict[str, int]:
    """Those of `counts` (findings by severity, as ECR names them) that are worse than `worst_allowed`. Pure."""
    allowed = SEVERITIES[: SEVERITIES.index(worst_allowed) + 1]
    ranked = {name: count for name, count in counts.items() if name.lower() in SEVERITIES}
    return {name: count for name, count in ranked.items() if count and name.lower() not in allowed}


def _describe(client: Any, repository: Repository, digest: str) -> Mapping[str, Any]:
    arguments = {**repository.arguments, "imageId": {"imageDigest": digest}}
    try:
        found: Mapping[str, Any] = client.describe_image_scan_findings(**arguments)
    except client.exceptions.ScanNotFoundException:  # a repository that does not scan what is pushed
        client.start_image_scan(**arguments)
        return {}
    return found


def _named(repository: Repository, digest: str) -> str:
    return f"--repository-name {repository.name} --image-id imageDigest={digest}"
