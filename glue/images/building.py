"""Building the container image of a workload with an engine."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from glue.durations import BUILD_SECONDS
from glue.engines import Engine, ImageFacts
from glue.files import sha256_of, write_atomically
from glue.images import labels, sbom
from glue.images.context import stage
from glue.progress import Reporter, mebibytes
from glue.project import Project
from glue.revision import UNKNOWN, committed_at, revision_of
from glue.workloads import Workload
from glue.workloads.requirements import read_lock

_REPOSITORY = "async-inference"
_REVISION_DIGITS = 12
_LAST_BUILT = "image.id"


@dataclass(frozen=True)
class Built:
    """A container image in the engine: its name there, the tag that it is pushed with, and its bill of materials."""

    reference: str
    tag: str
    image: ImageFacts
    sbom: Path


def build(
    workload: Workload,
    project: Project,
    engine: Engine,
    reporter: Reporter,
    *,
    bundled: bool = False,
    base: str | None = None,
    seconds: float = BUILD_SECONDS,
) -> Built:
    """Build the image of `workload` from `container/Dockerfile`.

    Args:
        bundled: the model goes into the image.
        base: the base image in place of the one that the Dockerfile pins.
        seconds: after so long the build is ended, naming the step that hung.

    Raises:
        UsageError: the workload's requirements are not locked.
        FailedError: a step failed or hung.
    """
    reporter.step(f"building the image of {workload.name} {workload.version} with {engine.kind}")
    read_lock(workload.requirements)
    folder = image_folder(project, workload.name)
    content = stage(workload, project.serving_dir, folder / "context", bundled=bundled)
    revision = revision_of(project.root)
    made_of = [content, sha256_of(project.dockerfile), workload.container.variant, base or ""]
    sources = hashlib.sha256("\0".join(made_of).encode()).hexdigest()
    tag = image_tag(workload.version, revision, sources, bundled=bundled)
    reference = f"{_REPOSITORY}/{workload.name}:{tag}"
    engine.build(
        folder / "context",
        project.dockerfile,
        tags=[reference],
        target="bundled" if bundled else "archive",
        arguments=_arguments(workload, project, base),
        labels=_labels(workload, revision, bundled=bundled),
        seconds=seconds,
        on_step=reporter.note,
    )
    image = engine.inspect(reference)
    write_atomically(folder / _LAST_BUILT, image.id + "\n")
    file = folder / "sbom.cdx.json"
    write_atomically(file, sbom.document(sbom.installed(engine, reference), workload.name, workload.version))
    reporter.note(f"{reference}: {image.id}, {mebibytes(image.size)} MiB")
    return Built(reference, tag, image, file)


def image_folder(project: Project, workload: str) -> Path:
    """Where the context, the bill of materials and the verification of a workload's image lie."""
    return project.work_dir / "images" / workload


def last_built(project: Project, workload: str) -> str | None:
    """The id of the image of `workload` that was built in this checkout last, whatever the engine dates it by."""
    file = image_folder(project, workload) / _LAST_BUILT
    return file.read_text(encoding="utf-8").strip() if file.is_file() else None


def image_tag(version: str, revision: str, sources: str, *, bundled: bool) -> str:
    """The tag: version and git revision, and for sources that are no commit the beginning of their digest `sources`.

    A tag never changes what it stands for, and two states of a checkout with changes are not the same.
    """
    commit, _, changed = revision.partition("-")
    parts = [version, commit[:_REVISION_DIGITS]]
    if changed or revision == UNKNOWN:
        parts.append(f"{changed or 'sources'}-{sources[:8]}")
    return "-".join([*parts, "bundled"] if bundled else parts)


def _arguments(workload: Workload, project: Project, base: str | None) -> Mapping[str, str]:
    variant = workload.container.variant
    arguments: dict[str, str] = {"VARIANT": variant}
    if base:
        arguments[f"{variant.upper()}_BASE"] = base
    moment = committed_at(project.root)
    # BuildKit since 0.11 dates the image by it; earlier ones leave it alone.
    return arguments if moment is None else arguments | {"SOURCE_DATE_EPOCH": str(moment)}


def _labels(workload: Workload, revision: str, *, bundled: bool) -> Mapping[str, str]:
    return {
        labels.TITLE: workload.name,
        labels.DESCRIPTION: workload.description,
        labels.VERSION: workload.version,
        labels.REVISION: revision,
        labels.WORKLOAD: workload.name,
        labels.MODEL: "bundled" if bundled else "mounted",
    }
