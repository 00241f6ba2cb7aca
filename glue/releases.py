"""Releases: which digests an environment runs, and where they came from. Written by glue, committed to git."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from glue.errors import UsageError
from glue.files import write_atomically
from glue.validation import dotted, explain

if TYPE_CHECKING:
    from glue.profiles import Profile

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ImageDigest = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[a-z0-9._/-]+@sha256:[0-9a-f]{64}$"
    ),
]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ManifestEntry(_Document):
    """A file of a model artifact. `size` in bytes."""

    path: str
    size: Annotated[int, Field(ge=0)]
    sha256: Sha256


Form = Literal["archive", "prefix"]
"""One `model.tar.gz`, or plain files under a prefix."""


class Artifact(_Document):
    """A model artifact in S3: where it lies, which version, what it is and what it holds.

    Of plain files, `uri` is their prefix and ends with a slash, `version_id` is that of their list, and `file_versions`
    are those of the files; `sha256` is the list's, which has the digest of each file.
    """

    uri: Annotated[str, StringConstraints(pattern=r"^s3://[a-z0-9][a-z0-9.-]+/.+$")]
    version_id: str
    sha256: Sha256
    manifest: list[ManifestEntry]
    file_versions: dict[str, str] = {}

    @property
    def form(self) -> Form:
        """Whether it is an archive or plain files."""
        return "prefix" if self.uri.endswith("/") else "archive"


class Built(_Document):
    """The release was made from this checkout."""

    kind: Literal["built"] = "built"


class Promoted(_Document):
    """The release was proved in another environment: `evidence` is the sha256 of that verification's document."""

    kind: Literal["promoted"] = "promoted"
    environment: str
    evidence: Sha256


class EndpointRelease(_Document):
    """What one endpoint runs, by digest. While it is being made, a half of it may be missing."""

    image: ImageDigest | None = None
    artifact: Artifact | None = None
    workload: str
    workload_version: str
    module_version: str
    needs_network: bool = True
    """Whether the handler calls other services; releases from before this was asked do not say that it does not."""
    origin: Annotated[Built | Promoted, Field(discriminator="kind")] = Built()


@dataclass(frozen=True)
class Source:
    """What an image or an artifact is made from: a workload, the version of its contract, the checkout's revision.

    `needs_network`: whether the workload's handler calls other services.
    """

    workload: str
    workload_version: str
    module_version: str
    needs_network: bool = True


class Release(_Document):
    """What an environment runs."""

    schema_version: Literal[1] = 1
    environment: str
    endpoints: dict[str, EndpointRelease] = {}

    @property
    def digest(self) -> str:
        """The sha256 of what is run, whatever the environment and the origin: equal for a release and its promotion."""
        content = {
            key: entry.model_dump(mode="json", exclude={"origin"}) for key, entry in sorted(self.endpoints.items())
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def with_image(release: Release, key: str, image: str, source: Source) -> Release:
    """`release` with `image` (`repository@sha256:…`) for the endpoint `key`; all other endpoints stay as they are."""
    return _with(release, key, source, image=image)


def with_artifact(release: Release, key: str, artifact: Artifact, source: Source) -> Release:
    """`release` with `artifact` for the endpoint `key`; all other endpoints stay as they are."""
    return _with(release, key, source, artifact=artifact)


def _with(
    release: Release, key: str, source: Source, *, image: str | None = None, artifact: Artifact | None = None
) -> Release:
    old = release.endpoints.get(key)
    # Image and artifact of two versions of the contract do not belong together: the older half goes.
    kept = old if old and (old.workload, old.workload_version) == (source.workload, source.workload_version) else None
    entry = EndpointRelease(
        image=image or (kept.image if kept else None),
        artifact=artifact or (kept.artifact if kept else None),
        workload=source.workload,
        workload_version=source.workload_version,
        module_version=source.module_version,
        needs_network=source.needs_network,
    )
    return release.model_copy(update={"endpoints": dict(sorted({**release.endpoints, key: entry}.items()))})


def require_complete(release: Release | None, profile: "Profile") -> Release:
    """`release`, when it has all that the endpoints of `profile` need.

    Raises:
        UsageError: something is missing; the message names it, the hints are the commands that make it.
    """
    env = profile.environment
    entries = release.endpoints if release else {}
    missing: list[str] = []
    commands: list[str] = []
    for key, endpoint in sorted(profile.endpoints.items()):
        entry = entries.get(key)
        if entry and entry.workload != endpoint.workload:
            missing.append(f"endpoint {key}: made for workload {entry.workload}, the profile says {endpoint.workload}")
            entry = None
        if entry is None or entry.image is None:
            missing.append(f"endpoint {key}: no image")
            commands.append(f"glue image push --env {env} --endpoint {key}")
        if problem := _artifact_problem(endpoint.model.source, entry.artifact if entry else None):
            missing.append(f"endpoint {key}: {problem} (model.source is {endpoint.model.source})")
            commands.append(f"glue artifact push --env {env} --endpoint {key}")
    if release is None or missing:
        problems = "\n".join(missing)
        raise UsageError(f"the release of {env} is not complete:\n{problems}", hints=commands)
    return release


def _artifact_problem(source: str, artifact: Artifact | None) -> str | None:
    if source == "bundled":
        return None
    if artifact is None:
        return "no model artifact"
    return None if source in {"auto", artifact.form} else f"its model artifact was pushed as {artifact.form}"


def release_file(releases_dir: Path, environment: str) -> Path:
    """Where the release of `environment` lies."""
    return releases_dir / f"{environment}.release.json"


def read_release(releases_dir: Path, environment: str) -> Release | None:
    """The release of `environment`, or None when there is none yet.

    Raises:
        UsageError: the file is not a release, or another environment's.
    """
    file = release_file(releases_dir, environment)
    try:
        release = Release.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        location, sentence = next(explain(error, Release))
        raise UsageError(f"{file}: {dotted(location)}: {sentence}") from error
    if release.environment != environment:
        raise UsageError(f"{file}: environment: {release.environment!r}: allowed is {environment!r}, the file's name")
    return release


def write_release(releases_dir: Path, release: Release) -> Path:
    """Write `release` in one step and return its file."""
    file = release_file(releases_dir, release.environment)
    write_atomically(file, release.model_dump_json(indent=2) + "\n")
    return file
