"""Verifying a model artifact: is it what an endpoint can load? The whole answer is known before anything is pushed."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from glue.archives import Limits, PickleScan, read_archive
from glue.artifacts.handler import HandlerCheck, Interpreter, check_handler
from glue.artifacts.manifest import ArchiveManifest, read_manifest
from glue.artifacts.packing import Packed
from glue.errors import FailedError
from glue.files import sha256_of
from glue.progress import Reporter, mebibytes
from glue.releases import ManifestEntry
from glue.workloads import ARCHIVE_MANIFEST, HANDLER
from glue.workloads.requirements import Requirements, declared

_OWN_REQUIREMENTS = "code/requirements.txt"
_COPIED = 1 << 20  # bytes up to which a file is copied to where the handler is imported; weights are linked


@dataclass(frozen=True)
class Inspection:
    """An archive that was read, not extracted and not run: its digest and size in bytes, its files and its risks."""

    file: Path
    sha256: str
    size: int
    manifest: list[ManifestEntry]
    risks: tuple[str, ...]


@dataclass(frozen=True)
class Verification:
    """A sound artifact: its digest and size in bytes, what it holds, its risks, and what could not be tried.

    `file` is the archive, or the list of the files of a prefix. `listing` is the list that the artifact carries itself,
    None in an archive that something else has packed.
    """

    file: Path
    sha256: str
    size: int
    manifest: list[ManifestEntry]
    listing: ArchiveManifest | None
    functions: tuple[str, ...]
    risks: tuple[str, ...]
    warnings: tuple[str, ...]


def inspect(archive: Path, reporter: Reporter, *, limits: Limits | None = None) -> Inspection:
    """Read `archive` from end to end without writing or running anything of it.

    Raises:
        UsageError: the file cannot be opened.
        FailedError: it is no sound archive, holds something else than files that stay inside it, or has no handler.
    """
    reporter.step(f"inspecting {archive}")
    risks = _Risks()
    entries = read_archive(archive, limits=limits, on_bytes=_unpacking(reporter), on_piece=risks.read)
    _require_handler(archive, [entry.path for entry in entries])
    return Inspection(archive, sha256_of(archive), archive.stat().st_size, entries, risks.sentences())


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
        risks = _Risks()
        entries = read_archive(archive, root, limits=limits, on_bytes=_unpacking(reporter), on_piece=risks.read)
        listing = read_manifest(archive, root, entries)
        _require_handler(archive, [entry.path for entry in entries])
        requirements = requirements_of(listing.workload) if listing else _own_requirements(root)
        reporter.note(f"importing {HANDLER} with {interpreter.python}")
        checked = _check(archive, root, interpreter, requirements)
    return Verification(
        file=archive,
        sha256=sha256_of(archive),
        size=archive.stat().st_size,
        manifest=[entry for entry in entries if entry.path != ARCHIVE_MANIFEST],
        listing=listing,
        functions=checked.functions,
        risks=risks.sentences(),
        warnings=checked.warnings,
    )


def verify_files(
    packed: Packed, interpreter: Interpreter, reporter: Reporter, *, requirements: Requirements
) -> Verification:
    """Check an artifact of plain files: its handler can be imported and is complete. This runs its top-level code.

    Raises:
        FailedError: the artifact is refused; the message names the file and the cause.
    """
    listing_file = packed.files[ARCHIVE_MANIFEST]
    reporter.step(f"verifying {listing_file}")
    _require_handler(listing_file, packed.files)
    risks = _Risks()
    for path, file in packed.files.items():
        risks.read_file(path, file)
    with _staged(packed.files) as root:
        listing = ArchiveManifest.model_validate_json(listing_file.read_bytes())
        reporter.note(f"importing {HANDLER} with {interpreter.python}")
        checked = _check(listing_file, root, interpreter, requirements)
    return Verification(
        file=listing_file,
        sha256=packed.sha256,
        size=packed.size,
        manifest=packed.manifest,
        listing=listing,
        functions=checked.functions,
        risks=risks.sentences(),
        warnings=checked.warnings,
    )


@contextmanager
def _staged(files: Mapping[str, Path]) -> Iterator[Path]:
    """A folder with `files` as an instance has them: code is copied, weights are too large for that and are linked."""
    with tempfile.TemporaryDirectory(prefix="glue-artifact-") as scratch:
        root = Path(scratch).resolve() / "model"
        for path, file in files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if file.stat().st_size <= _COPIED:
                shutil.copyfile(file, target)
            else:
                target.symlink_to(file.resolve())
        yield root


class _Risks:
    """What is told of an artifact's files while they pass."""

    def __init__(self) -> None:
        self._scans: dict[str, PickleScan] = {}

    def read(self, path: str, piece: bytes) -> None:
        """The next bytes of one of the files."""
        self._scans.setdefault(path, PickleScan(path)).read(piece)

    def read_file(self, path: str, file: Path) -> None:
        """A file, as far as it tells something."""
        scan = self._scans.setdefault(path, PickleScan(path))
        with file.open("rb") as stream:
            while not scan.settled and (piece := stream.read(_COPIED)):
                scan.read(piece)

    def sentences(self) -> tuple[str, ...]:
        """The files that are risks, each with its own."""
        risks = ((path, scan.risk()) for path, scan in sorted(self._scans.items()))
        return tuple(f"{path}: {risk}" for path, risk in risks if risk)


def _unpacking(reporter: Reporter) -> Callable[[int], None]:
    return lambda done: reporter.progress("unpacking (MiB)", mebibytes(done), None)


def _check(archive: Path, root: Path, interpreter: Interpreter, requirements: Requirements | None) -> HandlerCheck:
    try:
        return check_handler(root, interpreter, requirements)
    except FailedError as error:
        raise FailedError(f"{archive}: {error.message}", hints=error.hints) from error


def _require_handler(archive: Path, paths: Iterable[str]) -> None:
    paths = list(paths)
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
