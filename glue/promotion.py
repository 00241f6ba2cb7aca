"""Promotion: what one environment has proved is copied, unchanged, into the release of another."""

from collections.abc import Iterator
from dataclasses import dataclass

from glue import evidence
from glue.cloud import Cloud
from glue.errors import FailedError, UsageError
from glue.evidence import Evidence
from glue.profiles import Profile
from glue.progress import Reporter
from glue.releases import EndpointRelease, Promoted, Release, read_release, require_complete, write_release


@dataclass(frozen=True)
class Side:
    """An environment that a release is promoted from or to."""

    profile: Profile
    cloud: Cloud

    @property
    def name(self) -> str:
        """The environment's name."""
        return self.profile.environment

    def release(self) -> Release | None:
        """What it runs now."""
        return read_release(self.cloud.releases_dir, self.name)


@dataclass(frozen=True)
class Change:
    """One thing of an endpoint that the promotion changes; None stands for nothing there."""

    endpoint: str
    field: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class Promotion:
    """The target's release after the promotion, the sha256 of the evidence for it, and what changed."""

    release: Release
    evidence: str
    changes: tuple[Change, ...]


def promote(origin: Side, target: Side, reporter: Reporter) -> Promotion:
    """Copy the release of `origin` into that of `target`, if the evidence says that exactly this release works.

    Without a change nothing is written.

    Raises:
        UsageError: the environments do not fit each other, or the origin's release is not complete.
        FailedError: there is no evidence of this release, or it does not say "pass".
    """
    reporter.step(f"promoting {origin.name} to {target.name}")
    _require_fit(origin, target)
    release = require_complete(origin.release(), origin.profile)
    proof = _proof(origin, release)
    reporter.note(f"release {release.digest[:12]}, evidence {proof[:12]}")
    old = target.release() or Release(environment=target.name)
    promoted = promoted_release(release, target.name, proof)
    changes = tuple(differences(old, promoted))
    if changes:
        write_release(target.cloud.releases_dir, promoted)
    return Promotion(promoted if changes else old, proof, changes)


def promoted_release(release: Release, environment: str, proof: str) -> Release:
    """`release` as that of another environment: the same content, and so the same digest."""
    origin = Promoted(environment=release.environment, evidence=proof)
    endpoints = {key: entry.model_copy(update={"origin": origin}) for key, entry in release.endpoints.items()}
    return Release(environment=environment, endpoints=endpoints)


def differences(old: Release, new: Release) -> Iterator[Change]:
    """What an endpoint runs in `new` and not in `old`, endpoint by endpoint. Where it came from does not count."""
    for key in sorted(old.endpoints.keys() | new.endpoints.keys()):
        before, after = _shown(old.endpoints.get(key)), _shown(new.endpoints.get(key))
        for field in [*after, *(before.keys() - after.keys())]:
            if before.get(field) != after.get(field):
                yield Change(key, field, before.get(field), after.get(field))


def _shown(entry: EndpointRelease | None) -> dict[str, str]:
    if entry is None:
        return {}
    shown = {"image": entry.image, "workload": f"{entry.workload} {entry.workload_version}"}
    if entry.artifact:
        shown |= {"artifact": entry.artifact.uri, "artifact version": entry.artifact.version_id}
    shown["module version"] = entry.module_version
    return {field: value for field, value in shown.items() if value is not None}


def _require_fit(origin: Side, target: Side) -> None:
    if origin.name == target.name:
        raise UsageError(f"{origin.name} is promoted to itself: allowed is another environment")
    problems = list(_misfits(origin, target))
    if problems:
        raise UsageError("\n".join([f"{origin.name} cannot be promoted to {target.name}:", *problems]))


def _misfits(origin: Side, target: Side) -> Iterator[str]:
    if origin.cloud.name != target.cloud.name:
        yield f"clouds: {origin.cloud.name} and {target.cloud.name}: neither holds what the other runs"
    # Image and artifact must lie in the endpoint's Region: ContainerDefinition in SageMaker's service model.
    if origin.profile.region != target.profile.region:
        yield f"region: {origin.profile.region} and {target.profile.region}: images and artifacts do not leave theirs"
    ours, theirs = origin.profile.endpoints, target.profile.endpoints
    for key in sorted(ours.keys() | theirs.keys()):
        if key not in theirs:
            yield f"endpoints.{key}: {target.name} has no such endpoint"
        elif key not in ours:
            yield f"endpoints.{key}: {origin.name} has no such endpoint, so nothing proves it"
        elif ours[key].workload != theirs[key].workload:
            yield f"endpoints.{key}.workload: {ours[key].workload} and {theirs[key].workload}"
        elif ours[key].model.source != theirs[key].model.source:
            yield f"endpoints.{key}.model.source: {ours[key].model.source} and {theirs[key].model.source}"


def _proof(origin: Side, release: Release) -> str:
    """The sha256 of the evidence that `release` works in `origin`."""
    hints = [f"glue verify-endpoint --env {origin.name}"]
    found = evidence.load(origin.cloud, origin.profile, release.digest)
    if found is None:
        raise FailedError(f"no evidence that release {release.digest[:12]} works in {origin.name}", hints=hints)
    document, sha256 = found
    objections = list(_objections(document, origin.name, release.digest))
    if objections:
        where = evidence.evidence_key(origin.profile, release.digest)
        raise FailedError("\n".join([f"{where}: no proof for a promotion:", *objections]), hints=hints)
    return sha256


def _objections(document: Evidence, environment: str, digest: str) -> Iterator[str]:
    if document.environment != environment:
        yield f"environment: {document.environment!r}: allowed is {environment!r}"
    if document.release != digest:
        yield f"release: {document.release}: allowed is {digest}"
    if document.verdict != "pass":
        yield f"verdict: {document.verdict!r}: allowed is 'pass'"
        yield from (f"  {check.id}: {check.message}" for check in document.checks if check.verdict == "fail")
        yield from (f"  golden {each.case}: {each.message}" for each in document.golden if each.verdict == "fail")
