"""Packing a workload's model artifact: the same files give the same artifact, byte for byte, on any machine.

An artifact has one of two forms. An *archive* is one `model.tar.gz`. A *prefix* is the plain files themselves, of which
nothing has to be unpacked when an instance starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from glue.archives import ArchiveWriter
from glue.artifacts.manifest import ArchiveManifest, encoded
from glue.aws.objects import Digest, digest_of
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

    `files` are the objects that it becomes, by their key below the artifact's own; the last one completes it. `digests`
    says what they hold, by the same keys; `manifest` the files of the model, without the artifact's own list.
    """

    form: Form
    manifest: list[ManifestEntry]
    files: Mapping[str, Path]
    digests: Mapping[str, Digest]

    @property
    def last(self) -> str:
        """The key of the object that completes the artifact."""
        return list(self.files)[-1]

    @property
    def sha256(self) -> str:
        """That of the archive, or of the list of a prefix's files."""
        return self.digests[self.last].sha256

    @property
    def size(self) -> int:
        """Bytes of the archive, or of a prefix's files without their list."""
        return sum(digest.size for path, digest in self.digests.items() if path != ARCHIVE_MANIFEST)

    @property
    def saved_seconds(self) -> float:
        """By how much each instance starts sooner than with a compressed archive: nothing of it is inflated."""
        return round(self.size * GUNZIP_SECONDS, 1)


def form_of(workload: Workload) -> Form:
    """The form that suits the size of the workload's files."""
    return "prefix" if sum(file.stat().st_size for file in workload.artifact.values()) > LARGEST_ARCHIVE else "archive"


def pack(workload: Workload, out: Path, reporter: Reporter) -> Packed:
    """Write the model artifact of `workload` as an archive to `out`: whole, or not at all.

    Raises:
        FailedError: a file changed while it was packed.
    """
    reporter.step(f"packing {workload.name} {workload.version}")
    with replacing(out) as stream, ArchiveWriter(stream) as archive:
        manifest = []
        for path, file in workload.artifact.items():
            manifest.append(archive.add(path, file))
            reporter.progress("files", len(manifest), len(workload.artifact))
        # The list comes last: the digests are taken from the bytes that went into the archive.
        archive.add(ARCHIVE_MANIFEST, encoded(_listing(workload, manifest)))
    digest = digest_of(out)
    reporter.note(f"{len(manifest)} files, {digest.size} bytes, sha256 {digest.sha256}")
    return Packed("archive", manifest, {ARCHIVE: out}, {ARCHIVE: digest})


def list_files(workload: Workload, out: Path, reporter: Reporter) -> Packed:
    """The model artifact of `workload` as plain files, which stay where they are; their list is written to `out`."""
    reporter.step(f"listing {workload.name} {workload.version}")
    total = sum(file.stat().st_size for file in workload.artifact.values())
    read, digests = 0, {}
    for path, file in workload.artifact.items():
        digests[path] = digest_of(file)
        read += digests[path].size
        reporter.progress("reading (MiB)", mebibytes(read), mebibytes(total))
    manifest = [ManifestEntry(path=path, size=one.size, sha256=one.sha256) for path, one in digests.items()]
    write_atomically(out, encoded(_listing(workload, manifest)).decode("utf-8"))
    digests[ARCHIVE_MANIFEST] = digest_of(out)
    packed = Packed("prefix", manifest, {**workload.artifact, ARCHIVE_MANIFEST: out}, digests)
    reporter.note(f"{len(manifest)} files, {packed.size} bytes, sha256 of their list {packed.sha256}")
    reporter.note(f"each instance starts about {packed.saved_seconds} s sooner than with a compressed archive")
    return packed


def _listing(workload: Workload, manifest: list[ManifestEntry]) -> ArchiveManifest:
    return ArchiveManifest(workload=workload.name, workload_version=workload.version, files=manifest)
