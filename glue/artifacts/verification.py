"""Verifying an archive: is it what an endpoint can load? The whole answer is known before anything is pushed."""

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from glue.archives import Limits, read_archive
from glue.artifacts.handler import HandlerCheck, Interpreter, check_handler
from glue.artifacts.manifest import ArchiveManifest, read_manifest
from glue.errors import FailedError
from glue.progress import Reporter, mebibytes
from glue.releases import ManifestEntry
from glue.workloads import ARCHIVE_MANIFEST, HANDLER
from glue.workloads.requirements import Requirements, declared

_OWN_REQUIREMENTS = "code/requirements.txt"


@dataclass(frozen=True)
class Verification:
    """A sound archive: its digest and size in bytes, what it holds, and what could not be tried.

    `listing` is the list that the archive carries itself, None in one that something else has packed.
    """

    file: Path
    sha256: str
    size: int
    manifest: list[ManifestEntry]
    listing: ArchiveManifest | None
    functions: tuple[str, ...]
    warnings: tuple[str, ...]


def verify(
    archive: Path,
    interpreter: Interpreter,
    reporter: Reporter,
    *,
    requirements_of: Callable[[str], Requirements | None] = lambda _: None,
    limits: Limits | None = None,
) -> Verification:
    """Check `archive`: a `tar.gz` of files that stay inside it, with a handler that can be imported and is complete.

    Importing runs the handler's top-level code, in a process of its own and with this user's rights.

    Args:
        requirements_of: what the image of a workload has installed, by the workload's name; None: not known.

    Raises:
        UsageError: the file cannot be opened.
        FailedError: the archive is refused; the message names the file, the member and the cause.
    """
    reporter.step(f"verifying {archive}")
    # The child names files by their real path; a temporary folder may lie behind a link.
    with tempfile.TemporaryDirectory(prefix="glue-artifact-") as scratch:
        root = Path(scratch).resolve() / "model"
        root.mkdir()
        entries = read_archive(
            archive,
            root,
            limits=limits,
            on_bytes=lambda done: reporter.progress("unpacking (MiB)", mebibytes(done), None),
        )
        listing = read_manifest(archive, root, entries)
        _require_handler(archive, entries)
        requirements = requirements_of(listing.workload) if listing else _own_requirements(root)
        reporter.note(f"importing {HANDLER} with {interpreter.python}")
        checked = _check(archive, root, interpreter, requirements)
    with archive.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        size = stream.tell()
    return Verification(
        file=archive,
        sha256=sha256,
        size=size,
        manifest=[entry for entry in entries if entry.path != ARCHIVE_MANIFEST],
        listing=listing,
        functions=checked.functions,
        warnings=checked.warnings,
    )


def _check(archive: Path, root: Path, interpreter: Interpreter, requirements: Requirements | None) -> HandlerCheck:
    try:
        return check_handler(root, interpreter, requirements)
    except FailedError as error:
        raise FailedError(f"{archive}: {error.message}", hints=error.hints) from error


def _require_handler(archive: Path, entries: Sequence[ManifestEntry]) -> None:
    paths = [entry.path for entry in entries]
    if HANDLER in paths:
        return
    name = HANDLER.rpartition("/")[2]
    elsewhere = [path for path in paths if path == name or path.endswith(f"/{name}")]
    found = f"; a file of that name lies at {', '.join(elsewhere)}" if elsewhere else ""
    raise FailedError(
        f"{archive}: {HANDLER} is missing{found}: SageMaker would fall back to a handler of its own",
        hints=[f"map the handler's file to {HANDLER} in the workload's manifest, and pack again"],
    )


def _own_requirements(root: Path) -> Requirements | None:
    """What an archive from elsewhere says it needs, as SageMaker's containers would install it."""
    file = root / _OWN_REQUIREMENTS
    return declared(file.read_text(encoding="utf-8", errors="replace"), _OWN_REQUIREMENTS) if file.is_file() else None
