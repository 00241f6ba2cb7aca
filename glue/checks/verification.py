"""All checks of an environment, and the evidence that they leave."""

import platform
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from glue import __version__, evidence
from glue.checks import verdicts
from glue.checks.exercise import Exercise
from glue.checks.facts import identity
from glue.checks.inspection import ACCOUNT_REGION, inspections
from glue.checks.plan import Planned, execute
from glue.checks.subject import Subject
from glue.cloud import Cloud
from glue.deployed import DeployedEndpoint
from glue.errors import FailedError
from glue.evidence import Check, Evidence, GoldenResult
from glue.files import write_atomically
from glue.profiles import Profile
from glue.progress import Reporter
from glue.project import Project
from glue.releases import Release
from glue.workloads import load_workload
from glue.workloads.golden import load_cases

EVIDENCE_FILE = "evidence.json"


@dataclass(frozen=True)
class Kept:
    """Where evidence lies: an S3 URI, the sha256 of its bytes, and a local copy."""

    uri: str
    sha256: str
    file: Path


def subjects(
    project: Project,
    profile: Profile,
    release: Release,
    deployed: Mapping[str, DeployedEndpoint],
    keys: Iterable[str],
) -> list[Subject]:
    """The endpoints `keys` of `profile`, with what is known about each.

    Raises:
        UsageError: a workload or its golden requests are wrong.
        FailedError: an endpoint is not deployed.
    """
    found = []
    for key in keys:
        if key not in deployed:
            raise FailedError(
                f"endpoint {key} of the profile is not deployed", hints=[f"glue apply --env {profile.environment}"]
            )
        workload = load_workload(project.workloads_dir, profile.endpoints[key].workload)
        cases = load_cases(workload.golden)
        found.append(Subject(key, profile.endpoints[key], release.endpoints[key], deployed[key], cases))
    return found


def verify(profile: Profile, release: Release, chosen: Sequence[Subject], cloud: Cloud, reporter: Reporter) -> Evidence:
    """Check each of `chosen`, and say what was found. Nothing is stored."""
    golden: list[GoldenResult] = []
    checks = list(_checks(profile, chosen, cloud, reporter, golden))
    return Evidence(
        environment=profile.environment,
        release=release.digest,
        verdict=evidence.verdict_of([*checks, *golden]),
        checks=checks,
        golden=golden,
        tools=_tools(),
        created=datetime.now(UTC),
    )


def keep(profile: Profile, cloud: Cloud, document: Evidence) -> Kept:
    """Store `document` beside the state and in the checkout."""
    file = cloud.environments_dir / profile.environment / EVIDENCE_FILE
    write_atomically(file, evidence.canonical(document).decode("ascii"))
    uri, sha256 = evidence.store(cloud, profile, document)
    return Kept(uri, sha256, file)


def _checks(
    profile: Profile, chosen: Sequence[Subject], cloud: Cloud, reporter: Reporter, golden: list[GoldenResult]
) -> Iterator[Check]:
    def account_region() -> verdicts.Finding:
        return verdicts.account_region(
            identity(cloud),
            [subject.deployed.arn for subject in chosen],
            account_id=profile.account_id,
            region=profile.region,
        )

    base = list(execute([Planned(ACCOUNT_REGION, account_region)], reporter))
    yield from base
    for subject in chosen:
        with ExitStack() as resources:
            folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="glue-verify-"))
            exercise = Exercise(subject, cloud, reporter, resources, Path(folder))
            planned = [*inspections(subject, cloud), *exercise.planned()]
            yield from execute(planned, reporter, endpoint=subject.key, before=base)
            golden.extend(exercise.golden_results)


def _tools() -> dict[str, str]:
    return {"glue": __version__, "python": platform.python_version(), "boto3": version("boto3")}
