"""Folders that come out of archives: unpacked with checks, read-only, shared and removed."""

import io
import os
import shutil
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from glue.localcloud.clock import Deadline


class UnsafeArchiveError(ValueError):
    """An archive that cannot be read, or that would write outside of its folder."""


def unpack(archive: IO[bytes], folder: Path, *, deadline: Deadline | None = None) -> None:
    """Unpack a tar archive (plain or compressed, read as a stream) into `folder`.

    Members pass tarfile's `data` filter: no absolute paths, nothing above the folder, no links out of it, no devices.

    Raises:
        UnsafeArchiveError: it is no archive, or a member is refused.
        TimeoutError: `deadline` passed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(fileobj=_Timed(archive, deadline) if deadline else archive, mode="r|*") as tar:
            for member in tar:
                tar.extract(member, folder, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, TimeoutError):
            raise
        raise UnsafeArchiveError(str(error)) from error


class _Timed(io.RawIOBase):
    """An archive that can be read until a deadline, however large its members are."""

    def __init__(self, archive: IO[bytes], deadline: Deadline) -> None:
        super().__init__()
        self._archive = archive
        self._deadline = deadline

    def read(self, size: int = -1, /) -> bytes:
        if self._deadline.passed:
            raise TimeoutError("the download took too long")
        return self._archive.read(size)


def make_read_only(folder: Path) -> None:
    """Take away every permission to write below and including `folder`."""
    for path in _tree(folder):
        if not path.is_symlink():
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)


def share(folder: Path, copy: Path) -> None:
    """Make `copy` a read-only twin of the read-only `folder` that takes no space: its files are hard links."""
    shutil.copytree(folder, copy, copy_function=os.link, symlinks=True)


def remove(folder: Path) -> None:
    """Remove `folder` and all in it, read-only or not; one that is not there is no error."""
    if not folder.exists():
        return
    for path in _tree(folder):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _tree(folder: Path) -> Iterator[Path]:
    """`folder`, then everything below it, a folder before what it holds."""
    yield folder
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent, name) for name in (*folders, *files))
