"""The context of an image's build: the files that go into it and nothing else, alike on every machine."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from glue.artifacts.manifest import ArchiveManifest, encoded
from glue.errors import UsageError
from glue.files import digest_of_files, files_below, sha256_of
from glue.releases import ManifestEntry
from glue.workloads import ARCHIVE_MANIFEST, Workload

CODE = "code/"
"""What lies here in a model artifact changes often; the rest of it are weights."""

MODEL_DIR = "/opt/ml/model"
"""Where the model lies in a container."""

_TIME = 315_532_800  # 1980-01-01T00:00:00Z, in seconds: the first moment that zip files know


def stage(workload: Workload, serving_dir: Path, folder: Path, *, bundled: bool) -> str:
    """Make `folder` the context of the image of `workload`; returns a digest of all that is in it (64 hex digits).

    Args:
        bundled: the model goes into the image, with a list of its files and their sha256.

    Raises:
        UsageError: the server's package is not there.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for path, file in _program(workload, serving_dir):
        _copy(file, folder / path)
    if bundled:
        (folder / "weights").mkdir()
        entries = [_bundle(folder, path, file) for path, file in workload.artifact.items()]
        listing = ArchiveManifest(workload=workload.name, workload_version=workload.version, files=entries)
        (folder / ARCHIVE_MANIFEST).write_bytes(encoded(listing))
        (folder / "SHA256SUMS").write_text(
            "".join(f"{entry.sha256}  /context/{_part(entry.path)}{MODEL_DIR}/{entry.path}\n" for entry in entries)
        )
    for place in [*folder.rglob("*"), folder]:
        place.chmod(0o755 if place.is_dir() else 0o644)
        os.utime(place, (_TIME, _TIME))
    return digest_of_files(files_below(folder))


def stage_model(workload: Workload, folder: Path) -> None:
    """Make `folder` what an instance mounts as the model: the artifact's files, and their list."""
    for path, file in workload.artifact.items():
        _copy(file, folder / path)
    for place in [*folder.rglob("*"), folder]:
        place.chmod(0o755 if place.is_dir() else 0o644)


def program_files(serving_dir: Path) -> Iterator[tuple[str, Path]]:
    """The files of the server's package, by their path below the folder that holds it, sorted.

    Raises:
        UsageError: the package is not there.
    """
    package = serving_dir / "serving"
    if not (package / "__main__.py").is_file():
        raise UsageError(f"{package}: no __main__.py: the server's package is not there")
    for file in sorted(package.rglob("*")):
        if (file.suffix == ".py" or file.name == "py.typed") and file.is_file():
            yield f"serving/{file.relative_to(package).as_posix()}", file


def _program(workload: Workload, serving_dir: Path) -> Iterator[tuple[str, Path]]:
    yield "requirements.lock", workload.requirements
    for path, file in program_files(serving_dir):
        yield f"serving/{path}", file


def _bundle(folder: Path, path: str, file: Path) -> ManifestEntry:
    placed = folder / _part(path) / MODEL_DIR.lstrip("/") / path
    _copy(file, placed)
    return ManifestEntry(path=path, size=placed.stat().st_size, sha256=sha256_of(placed))


def _part(path: str) -> str:
    return "code" if path.startswith(CODE) else "weights"


def _copy(file: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, place)
