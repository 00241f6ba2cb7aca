"""Packing a workload's model artifact: the same files give the same archive, byte for byte, on any machine."""

from dataclasses import dataclass
from pathlib import Path

from glue.archives import ArchiveWriter
from glue.artifacts.manifest import ArchiveManifest, encoded
from glue.files import replacing
from glue.progress import Reporter
from glue.releases import ManifestEntry
from glue.workloads import ARCHIVE_MANIFEST, Workload


@dataclass(frozen=True)
class Packed:
    """An archive: its file, its sha256, its size in bytes, and the files inside (without the archive's own list)."""

    file: Path
    sha256: str
    size: int
    manifest: list[ManifestEntry]


def pack(workload: Workload, out: Path, reporter: Reporter) -> Packed:
    """Write the model artifact of `workload` to `out`: whole, or not at all.

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
    return Packed(out, archive.sha256, size, manifest)


def _listing(workload: Workload, manifest: list[ManifestEntry]) -> ArchiveManifest:
    return ArchiveManifest(workload=workload.name, workload_version=workload.version, files=manifest)
