"""From a workload's folder to an entry in an environment's release: pack or build, push, write down the digest."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from glue import artifacts, images
from glue.artifacts import Interpreter, Packed, Verification
from glue.artifacts.packing import ARCHIVE
from glue.cloud import Cloud
from glue.errors import GlueError, UsageError
from glue.profiles import Profile
from glue.progress import Reporter
from glue.project import Project
from glue.releases import Form, Release, Source, read_release, with_artifact, with_image, write_release
from glue.revision import revision_of
from glue.workloads import ARCHIVE_MANIFEST, Workload, load_workload, workload_names
from glue.workloads.requirements import Requirements, read_lock


class Publish(Protocol):
    """Makes the image of a workload and pushes it; see `glue.imagechecks.gate.Gate`."""

    def __call__(self, workload: Workload, url: str, *, bundled: bool) -> str:
        """Returns `url@sha256:…`. `bundled`: the model goes into the image."""


@dataclass(frozen=True)
class Registry:
    """Where an account keeps its images (repository addresses by workload) and its model artifacts (a bucket)."""

    repositories: Mapping[str, str]
    artifact_bucket: str

    @classmethod
    def of(cls, outputs: Mapping[str, Any], profile: Profile) -> "Registry":
        """The registry that the outputs of the registry layer describe.

        Raises:
            UsageError: the layer was not applied yet, or before the profile named one of its workloads.
        """
        repositories = {name: repository["url"] for name, repository in outputs.get("repositories", {}).items()}
        missing = sorted(profile.workloads - repositories.keys())
        if missing or "artifact_bucket" not in outputs:
            raise UsageError(
                f"{profile.environment}: no registry for {', '.join(missing) or 'model artifacts'} yet",
                hints=[f"glue apply --env {profile.environment} --layer registry"],
            )
        return cls(repositories, outputs["artifact_bucket"]["name"])


@dataclass(frozen=True)
class Releaser:
    """Makes entries of one environment's release from this checkout."""

    project: Project
    profile: Profile
    cloud: Cloud
    registry: Registry
    reporter: Reporter

    def push_images(self, keys: Sequence[str], publish: Publish | None = None) -> Release:
        """Build and push the image of each workload that the endpoints `keys` run; returns the release as written.

        Args:
            publish: makes and pushes an image; without it they are process images.
        """
        release = self._release()
        for bundled in (False, True):
            chosen = [key for key in keys if (self.profile.endpoints[key].model.source == "bundled") is bundled]
            for workload, source, endpoints in self._workloads(chosen):
                url = self.registry.repositories[workload.name]
                pushed = (publish or self._process_image)(workload, url, bundled=bundled)
                for key in endpoints:
                    release = with_image(release, key, pushed, source)
        return self._written(release)

    def _process_image(self, workload: Workload, url: str, *, bundled: bool) -> str:
        if bundled:
            raise UsageError(
                f"{workload.name}: model.source is bundled, and a process image holds no model",
                hints=["glue image push --kind container"],
            )
        image = images.build_process_image(workload, self.project.serving_dir, self.reporter)
        return images.push(image, url, self.cloud, self.reporter)

    def push_artifacts(self, keys: Sequence[str], *, python: str = sys.executable) -> Release:
        """Pack, verify and push the artifact of each workload that the endpoints `keys` run; returns the release.

        Args:
            python: the interpreter that imports the handlers.
        """
        release = self._release()
        for workload, source, endpoints in self._workloads(keys):
            form = chosen_form(self.profile, endpoints, workload)
            name = ARCHIVE if form == "archive" else ARCHIVE_MANIFEST
            out = artifact_dir(self.project, workload.name) / name
            packed, _ = pack_verified(self.project, workload, form, out, self.reporter, python=python)
            bucket = self.registry.artifact_bucket
            artifact = artifacts.push(packed, workload.name, bucket, self.cloud, self.reporter)
            for key in endpoints:
                release = with_artifact(release, key, artifact, source)
        return self._written(release)

    def _workloads(self, keys: Sequence[str]) -> Iterator[tuple[Workload, Source, list[str]]]:
        """Each workload once, with what a release says of its origin, and those of `keys` that run it."""
        revision = revision_of(self.project.root)
        for name in dict.fromkeys(self.profile.endpoints[key].workload for key in keys):
            workload = load_workload(self.project.workloads_dir, name)
            source = Source(name, workload.version, revision, needs_network=workload.container.network)
            yield workload, source, [key for key in keys if self.profile.endpoints[key].workload == name]

    def _release(self) -> Release:
        environment = self.profile.environment
        return read_release(self.cloud.releases_dir, environment) or Release(environment=environment)

    def _written(self, release: Release) -> Release:
        file = write_release(self.cloud.releases_dir, release)
        self.reporter.note(f"{file}: release {release.digest[:12]}")
        return release


def chosen_endpoints(profile: Profile, key: str | None) -> list[str]:
    """The endpoint `key`, or all of the profile's when it is None.

    Raises:
        UsageError: the profile has no such endpoint.
    """
    if key is not None and key not in profile.endpoints:
        raise UsageError(f"--endpoint {key}: allowed is one of {', '.join(sorted(profile.endpoints))}")
    return sorted(profile.endpoints) if key is None else [key]


def with_artifacts(profile: Profile, keys: Sequence[str]) -> list[str]:
    """Those of the endpoints `keys` whose model is an artifact of its own.

    Raises:
        UsageError: all their models lie in the image.
    """
    found = [key for key in keys if profile.endpoints[key].model.source != "bundled"]
    if not found:
        sources = ", ".join(f"endpoints.{key}.model.source is bundled" for key in keys)
        raise UsageError(f"no artifact to push: {sources}")
    return found


def artifact_dir(project: Project, workload: str) -> Path:
    """Where the artifact of a workload is packed to when nothing else is said."""
    return project.work_dir / "artifacts" / workload


def chosen_form(profile: Profile, keys: Sequence[str], workload: Workload) -> Form:
    """The form in which `workload` is pushed for the endpoints `keys`, all of which run it.

    Raises:
        UsageError: the endpoints want different ones.
    """
    wanted = {key: profile.endpoints[key].model.source for key in keys}
    forms = {source for source in wanted.values() if source in {"archive", "prefix"}}
    if len(forms) > 1:
        said = ", ".join(f"endpoints.{key}.model.source is {source}" for key, source in sorted(wanted.items()))
        raise UsageError(f"{workload.name}: {said}: push them one by one", hints=["glue artifact push --endpoint KEY"])
    return forms.pop() if forms else artifacts.form_of(workload)


def pack_verified(
    project: Project, workload: Workload, form: Form, out: Path, reporter: Reporter, *, python: str = sys.executable
) -> tuple[Packed, Verification]:
    """Pack `workload` in `form` and verify what was packed; what is refused is not kept.

    Args:
        out: what is written: the archive, or the list of the plain files.

    Raises:
        FailedError: the model would not load; see `glue.artifacts.verify` and `glue.artifacts.verify_files`.
    """
    if form == "archive":
        packed = artifacts.pack(workload, out, reporter)
    else:
        packed = artifacts.list_files(workload, out, reporter)
    try:
        if form == "archive":
            return packed, verify_archive(project, out, reporter, python=python)
        interpreter, requirements = Interpreter(project.serving_dir, python), read_lock(workload.requirements)
        verification = artifacts.verify_files(packed, interpreter, reporter, requirements=requirements)
        return packed, _told(verification, reporter)
    except GlueError:
        out.unlink(missing_ok=True)
        raise


def verify_archive(project: Project, file: Path, reporter: Reporter, *, python: str = sys.executable) -> Verification:
    """Verify the archive `file` with this project's server and, where it names one, its workload's requirements.

    Raises:
        UsageError: the file cannot be opened, or the workload's requirements are not locked.
        FailedError: it is refused.
    """

    def requirements_of(name: str) -> Requirements | None:
        if name not in workload_names(project.workloads_dir):
            return None
        return read_lock(load_workload(project.workloads_dir, name).requirements)

    verification = artifacts.verify(
        file, Interpreter(project.serving_dir, python), reporter, requirements_of=requirements_of
    )
    return _told(verification, reporter)


def _told(verification: Verification, reporter: Reporter) -> Verification:
    for risk in verification.risks:
        reporter.note(f"risk: {risk}")
    for warning in verification.warnings:
        reporter.note(f"warning: {warning}")
    return verification
