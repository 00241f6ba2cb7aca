"""The list of its own files that a packed archive carries, so that whoever unpacks it can tell what is missing."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from glue.errors import FailedError
from glue.releases import ManifestEntry
from glue.validation import dotted, explain
from glue.workloads import ARCHIVE_MANIFEST


class ArchiveManifest(BaseModel):
    """`artifact-manifest.json`: the workload, the version of its contract, and every other file of the archive."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    workload: str
    workload_version: str
    files: list[ManifestEntry]


def encoded(manifest: ArchiveManifest) -> bytes:
    """The bytes of `manifest` inside an archive."""
    return manifest.model_dump_json(indent=2).encode("utf-8") + b"\n"


def read_manifest(archive: Path, folder: Path, entries: Sequence[ManifestEntry]) -> ArchiveManifest | None:
    """The manifest in `folder`, where `archive` with the files `entries` was extracted to; None: it carries none.

    Raises:
        FailedError: it is no manifest, or the archive holds something else than it lists.
    """
    if ARCHIVE_MANIFEST not in {entry.path for entry in entries}:
        return None
    try:
        manifest = ArchiveManifest.model_validate_json((folder / ARCHIVE_MANIFEST).read_bytes())
    except ValidationError as error:
        location, sentence = next(explain(error, ArchiveManifest))
        raise FailedError(f"{archive}: {ARCHIVE_MANIFEST}: {dotted(location)}: {sentence}") from error
    wrong = list(differences(manifest, [entry for entry in entries if entry.path != ARCHIVE_MANIFEST], "archive"))
    if wrong:
        raise FailedError("\n".join([f"{archive}: not what its {ARCHIVE_MANIFEST} lists", *wrong]))
    return manifest


def differences(manifest: ArchiveManifest, entries: Sequence[ManifestEntry], place: str) -> Iterator[str]:
    """In what the files `entries`, which lie in a `place` (as a word), are not those that `manifest` lists."""
    listed = {entry.path: entry for entry in manifest.files}
    found = {entry.path: entry for entry in entries}
    for path in sorted(listed.keys() | found.keys()):
        ours, its = listed.get(path), found.get(path)
        if its is None:
            yield f"{path}: listed, and not in the {place}"
        elif ours is None:
            yield f"{path}: in the {place}, and not listed"
        elif ours != its:
            yield (
                f"{path}: {its.size} bytes with sha256 {its.sha256[:12]}…, "
                f"listed are {ours.size} with {ours.sha256[:12]}…"
            )
