"""Packing a workload's model artifact: the same files give the same artifact, byte for byte, on any machine.

An artifact has one of two forms. An *archive* is one `model.tar.gz`. A *prefix* is the plain files themselves, of which
nothing has to be unpacked when an instance starts.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from glue.archives import ArchiveWriter
from glue.artifacts.manifest import ArchiveManifest, encoded
from glue.errors import FailedError
from glue.files import replacing, write_atomically
from glue.progress import Reporter, mebibytes
from glue.releases import Form, ManifestEntry
from glue.workloads import ARCHIVE_MANIFEST, Workload

ARCHIVE = "model.tar.gz"

LARGEST_ARCHIVE = 100_000_000
"""Bytes above which a model is better kept as plain files."""

GUNZIP_SECONDS = 8 / (1 << 30)
"""Seconds per byte that an instance spends on unpacking a compressed archive of weights: measured 8 s per GiB."""


@dataclass(frozen=True)
class Packed:
    """A model artifact that can be pushed.

    `files` are the objects that it becomes, by their key below the artifact's own; the last one completes it. `sha256`
    is that of the archive, or of the list of a prefix's files; `size` in bytes; `manifest` the files of the model
    without the artifact's own list.
    """

    form: Form
    sha256: str
    size: int
    manifest: list[ManifestEntry]
    files: Mapping[str, Path]


def form_of(workload: Workload) -> Form:
    """The form that suits the size of the workload's files."""
    return "prefix" if sum(file.stat().st_size for file in workload.artifact.values()) > LARGEST_ARCHIVE else "archive"


def pack(workload: Workload, out: Path, reporter: Reporter) -> Packed:
    """Write the model artifact of `workload` as an archive to `out`: whole, or not at all.

    Raises:
        FailedError: a file changed while it was packed.
    """
    reporter.step(f"packing {workload.name} {workload.version}")
    with replacing(out) as stream:
        with ArchiveWriter(stream) as archive:
            manifest = []
            for path, file in workload.artifact.items():
                manifest.append(archive.add(path, file))
                reporter.progress("files", len(manifest), len(workload.artifact))
            # The list comes last: the digests are taken from the bytes that went into the archive.
            archive.add(ARCHIVE_MANIFEST, encoded(_listing(workload, manifest)))
        size = stream.tell()
    reporter.note(f"{len(manifest)} files, {size} bytes, sha256 {archive.sha256}")
    return Packed("archive", archive.sha256, size, manifest, {ARCHIVE: out})


def list_files(workload: Workload, out: Path, reporter: Reporter) -> Packed:
    """The model artifact of `workload` as plain files, which stay where they are; their list is written to `out`.

    Raises:
        FailedError: a file changed while it was read.
    """
    reporter.step(f"listing {workload.name} {workload.version}")
    total = sum(file.stat().st_size for file in workload.artifact.values())
    manifest: list[ManifestEntry] = []
    for path, file in workload.artifact.items():
        manifest.append(_entry(path, file))
        reporter.progress("reading (MiB)", mebibytes(sum(entry.size for entry in manifest)), mebibytes(total))
    listing = encoded(_listing(workload, manifest))
    write_atomically(out, listing.decode("utf-8"))
    sha256 = hashlib.sha256(listing).hexdigest()
    reporter.note(f"{len(manifest)} files, {total} bytes, sha256 of their list {sha256}")
    saved = f"{total * GUNZIP_SECONDS:.0f}"
    reporter.note(f"as plain files each instance starts about {saved} s sooner than with a compressed archive")
    return Packed("prefix", sha256, total, manifest, {**workload.artifact, ARCHIVE_MANIFEST: out})


def _entry(path: str, file: Path) -> ManifestEntry:
    size = file.stat().st_size
    with file.open("rb") as stream:
        entry = ManifestEntry(path=path, size=size, sha256=hashlib.file_digest(stream, "sha256").hexdigest())
        if stream.tell() != size:
            raise FailedError(f"{path}: changed while it was read")
    return entry


def _listing(workload: Workload, manifest: list[ManifestEntry]) -> ArchiveManifest:
    return ArchiveManifest(workload=workload.name, workload_version=workload.version, files=manifest)
