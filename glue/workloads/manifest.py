"""Workloads: what a model's folder says about itself, checked before anything is made of it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from glue.archives import normalised
from glue.documents import parse, read_document, refusal
from glue.errors import UsageError
from glue.profiles.fields import Text, WorkloadName
from glue.validation import Location

MANIFEST = "workload.yaml"
HANDLER = "code/inference.py"
"""Where SageMaker's convention wants the handler inside the archive."""

ARCHIVE_MANIFEST = "artifact-manifest.json"
"""Where a packed archive lists its own files."""

_IGNORED = {"__pycache__"}


def _plain(path: str) -> str:
    try:
        plain = normalised(path)
    except ValueError as error:
        raise PydanticCustomError("unsafe_path", "{reason}", {"reason": str(error)}) from error
    if plain in {".", ""} or plain != path:
        raise PydanticCustomError("unsafe_path", "allowed is a plain path such as code/inference.py")
    return path


RelativePath = Annotated[str, AfterValidator(_plain)]
ContractVersion = Annotated[str, StringConstraints(pattern=r"^(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}(-[0-9A-Za-z.-]+)?$")]


class ContainerNeeds(BaseModel):
    """What the workload's container needs: its image is verified with this and nothing more."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    variant: Literal["cpu", "cuda"] = "cpu"
    """Which base image it has."""
    memory_mib: Annotated[int, Field(ge=64, le=2_097_152)] = 4096
    """Memory in MiB that it runs in; the endpoint's instances must have as much to give."""
    network: bool = False
    """Whether the handler calls other services."""
    startup_seconds: Annotated[int, Field(ge=1, le=3600)] = 120
    """How long it may take until `/ping` answers 200."""


class Manifest(BaseModel):
    """`workload.yaml`. Paths are relative to the workload's folder."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: WorkloadName
    version: ContractVersion
    description: Text
    artifact: Annotated[dict[RelativePath, RelativePath], Field(min_length=1)]
    requirements: RelativePath = "requirements.lock"
    golden: RelativePath = "golden"
    container: ContainerNeeds = ContainerNeeds()


@dataclass(frozen=True)
class Workload:
    """A workload whose manifest and files are in order.

    `artifact` has the files of the model artifact, by their path in the archive, sorted.
    """

    folder: Path
    name: str
    version: str
    description: str
    artifact: dict[str, Path]
    requirements: Path
    golden: Path
    container: ContainerNeeds = field(default_factory=ContainerNeeds)


def workload_names(workloads_dir: Path) -> list[str]:
    """The workloads of a checkout, sorted."""
    return sorted(file.parent.name for file in workloads_dir.glob(f"*/{MANIFEST}"))


def load_workload(workloads_dir: Path, name: str) -> Workload:
    """The workload `name`.

    Raises:
        UsageError: no such workload, or a manifest that breaks the schema, leads outside its folder or names files that
            are not there; the message lists every mistake with its line.
    """
    names = workload_names(workloads_dir)
    if name not in names:
        raise UsageError(f"{workloads_dir}: no workload {name!r}: allowed is one of {', '.join(names) or '(none yet)'}")
    folder = workloads_dir / name
    document = read_document(folder / MANIFEST)
    manifest = parse(document, Manifest)
    files = list(_artifact_files(folder, manifest))
    problems = list(_problems(folder, manifest, files))
    if problems:
        raise refusal(document, problems)
    return Workload(
        folder=folder,
        name=manifest.name,
        version=manifest.version,
        description=manifest.description,
        artifact={path: file for _, path, file in sorted(files)},
        requirements=folder / manifest.requirements,
        golden=folder / manifest.golden,
        container=manifest.container,
    )


def _artifact_files(folder: Path, manifest: Manifest) -> Iterator[tuple[str, str, Path]]:
    """What each entry of the manifest's `artifact` brings: the entry, a path in the archive, a file."""
    for target, source in manifest.artifact.items():
        path = folder / source
        if not path.is_dir():
            yield target, target, path
            continue
        for file in sorted(path.rglob("*")):
            inner = file.relative_to(path)
            if not _is_ignored(inner) and (file.is_symlink() or not file.is_dir()):
                yield target, f"{target}/{inner.as_posix()}", file


def _is_ignored(path: Path) -> bool:
    """Whether `path` is what an editor, Python or the operating system has left in the folder."""
    return path.suffix == ".pyc" or any(part in _IGNORED or part.startswith(".") for part in path.parts)


def _problems(
    folder: Path, manifest: Manifest, files: Sequence[tuple[str, str, Path]]
) -> Iterator[tuple[Location, str]]:
    if manifest.name != folder.name:
        yield ("name",), f"{manifest.name!r}: allowed is {folder.name!r}, the folder's name"
    brought = {entry for entry, _, _ in files}
    for entry, source in manifest.artifact.items():
        if entry not in brought:
            yield ("artifact", entry), f"{source}: an empty folder: nothing to take"
    for entry, _, file in files:
        problem = _file_problem(folder, file)
        if problem:
            yield ("artifact", entry), problem
    yield from _place_problems(files)
    if HANDLER not in {path for _, path, _ in files}:
        yield ("artifact",), f"nothing lies at {HANDLER}: map the handler's file to that path"
    problem = _file_problem(folder, folder / manifest.requirements)
    if problem:
        yield ("requirements",), problem
    problem = _file_problem(folder, folder / manifest.golden, kind="folder")
    if problem:
        yield ("golden",), problem


def _file_problem(folder: Path, file: Path, *, kind: Literal["file", "folder"] = "file") -> str | None:
    shown = file.relative_to(folder).as_posix()
    # A link may lead outside, today or after the next checkout.
    if any(part.is_symlink() for part in (file, *file.parents) if part.is_relative_to(folder) and part != folder):
        return f"{shown}: a link: allowed are files and folders"
    there = file.is_file() if kind == "file" else file.is_dir()
    return None if there else f"{shown}: no such {kind} in {folder}"


def _place_problems(files: Sequence[tuple[str, str, Path]]) -> Iterator[tuple[Location, str]]:
    counts = Counter(path for _, path, _ in files)
    folders = {parent.as_posix() for path in counts for parent in PurePosixPath(path).parents}
    for entry, path, _ in files:
        if path == ARCHIVE_MANIFEST:
            yield ("artifact", entry), f"{path}: packing writes this file itself: allowed is another path"
        if counts[path] > 1:
            yield ("artifact", entry), f"{path}: given {counts[path]} times"
        if path in folders:
            yield ("artifact", entry), f"{path}: a file here, and a folder that holds others"
        try:
            normalised(path)
        except ValueError as error:
            yield ("artifact", entry), f"{path!r}: {error}"
