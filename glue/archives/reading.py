"""Reading an archive that nobody vouches for: each member is checked before anything is made of it."""

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from glue.archives.names import normalised
from glue.errors import FailedError, UsageError
from glue.releases import ManifestEntry

_CHUNK = 1 << 20
_KINDS = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a named pipe",
}


@dataclass(frozen=True)
class Limits:
    """What an archive may unpack to. Above `free` bytes, at most `ratio` times the archive's own size."""

    members: int = 100_000
    total: int = 128 << 30
    ratio: int = 100
    free: int = 256 << 20


def read_archive(
    file: Path,
    into: Path | None = None,
    *,
    limits: Limits | None = None,
    on_bytes: Callable[[int], None] = lambda _: None,
    on_piece: Callable[[str, bytes], None] = lambda _path, _piece: None,
) -> list[ManifestEntry]:
    """The files in the `tar.gz` `file`, sorted by path; nothing is trusted, nothing is run.

    Args:
        into: an existing folder to extract the files to. Each is written only after its name and kind were checked.
        on_bytes: called with the number of bytes unpacked so far.
        on_piece: called with each file's path and its bytes, piece by piece in their order.

    Raises:
        UsageError: the file cannot be opened.
        FailedError: it is no sound archive, or holds anything else than files and folders that stay inside it; the
            message names the member and the cause.
    """
    limits = limits or Limits()
    entries: dict[str, ManifestEntry] = {}
    folders: set[str] = set()
    with _opened(file, limits) as (tar, stream):
        for count, member in enumerate(_members(tar), start=1):
            if count > limits.members:
                raise _Unsound(f"more than {limits.members} members")
            path = _checked(member)
            if not member.isdir():
                _claim(path, entries, folders)
                entries[path] = _read(tar, member, path, into, on_piece)
            elif path in entries:
                raise _Unsound(f"{path!r}: both a file and a folder")
            elif path != ".":
                folders.add(path)
            on_bytes(stream.tell())
        stream.finish()
    if not entries:
        raise FailedError(f"{file}: the archive is empty")
    return [entries[path] for path in sorted(entries)]


class _Unsound(Exception):  # noqa: N818 - turned into a FailedError that names the file
    """What is wrong with the archive."""


@contextmanager
def _opened(file: Path, limits: Limits) -> Iterator[tuple[tarfile.TarFile, "_Bounded"]]:
    try:
        with file.open("rb") as raw, gzip.GzipFile(fileobj=raw, mode="rb") as unpacked:
            size = file.stat().st_size
            stream = _Bounded(unpacked, min(limits.total, max(limits.free, limits.ratio * size)))
            # Seeking is only ever forward in `_Bounded`: a member that claims to lie before its header is an error.
            with tarfile.open(fileobj=stream, mode="r:", errorlevel=2) as tar:
                yield tar, stream
    except FileNotFoundError:
        raise UsageError(f"{file}: no such file") from None
    except _Unsound as error:
        raise FailedError(f"{file}: {error}") from error
    except EOFError as error:
        raise FailedError(f"{file}: the archive is cut off") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FailedError(f"{file}: not a sound gzip file: {error}") from error
    except tarfile.TarError as error:
        raise FailedError(f"{file}: not a sound tar.gz: {error}") from error
    except (IsADirectoryError, PermissionError) as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error


def _members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    while (member := tar.next()) is not None:
        tar.members.clear()  # type: ignore[attr-defined]  # it keeps every header, which nobody needs
        yield member


def _checked(member: tarfile.TarInfo) -> str:
    """The member's plain path."""
    shown = repr(member.name)
    if member.type in _KINDS:
        raise _Unsound(f"{shown}: {_KINDS[member.type]}: only files and folders are allowed")
    if member.issparse() or member.type not in {tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE}:
        raise _Unsound(f"{shown}: a member of type {member.type!r}: only files and folders are allowed")
    if member.size < 0:
        raise _Unsound(f"{shown}: a negative size")
    try:
        path = normalised(member.name)
    except ValueError as error:
        raise _Unsound(f"{shown}: {error}") from error
    if path == "." and not member.isdir():
        raise _Unsound(f"{shown}: a file without a name")
    return path


def _claim(path: str, entries: dict[str, ManifestEntry], folders: set[str]) -> None:
    """Refuse a second file of the same name, and a name that is a file here and a folder there."""
    if path in entries:
        raise _Unsound(f"{path!r}: twice in the archive")
    parents = path.split("/")[:-1]
    ancestors = {"/".join(parents[:depth]) for depth in range(1, len(parents) + 1)}
    for clash in sorted(ancestors & entries.keys()) or ([path] if path in folders else []):
        raise _Unsound(f"{clash!r}: both a file and a folder")
    folders.update(ancestors)


def _read(
    tar: tarfile.TarFile,
    member: tarfile.TarInfo,
    path: str,
    into: Path | None,
    on_piece: Callable[[str, bytes], None],
) -> ManifestEntry:
    source = tar.extractfile(member)
    if source is None:
        raise _Unsound(f"{path!r}: no content")
    told = partial(on_piece, path)
    if into is None:
        return ManifestEntry(path=path, size=member.size, sha256=_copied(source, member.size, None, told))
    target = into / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as out:
        return ManifestEntry(path=path, size=member.size, sha256=_copied(source, member.size, out, told))


def _copied(source: IO[bytes], size: int, out: IO[bytes] | None, on_piece: Callable[[bytes], None]) -> str:
    sha256 = hashlib.sha256()
    left = size
    while left:
        chunk = source.read(min(_CHUNK, left))
        if not chunk:
            raise EOFError
        on_piece(chunk)
        sha256.update(chunk)
        if out:
            out.write(chunk)
        left -= len(chunk)
    return sha256.hexdigest()


class _Bounded(io.RawIOBase):
    """The unpacked stream as tarfile may use it: forwards only, in small steps, and never beyond `limit` bytes.

    tarfile itself believes the sizes in headers: an extended header of a terabyte would be read into memory, and
    an offset that goes back would be an endless loop.
    """

    def __init__(self, stream: Any, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._last = b""

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _CHUNK:
            raise _Unsound(f"a header that claims {size} bytes")
        data: bytes = self._stream.read(size)
        if data:
            self._last = data
        self._guard()
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        position = self.tell()
        if whence != io.SEEK_SET or offset < position:
            raise _Unsound("a header that leads back: the archive is damaged")
        while position < offset:
            if not self.read(min(_CHUNK, offset - position)):
                raise EOFError
            position = self.tell()
        return position

    def tell(self) -> int:
        return int(self._stream.tell())

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def finish(self) -> None:
        """Read to the end, so that gzip's checksum is compared; after the last member only zeros are allowed."""
        blank = not self._last.strip(b"\0")
        while chunk := self.read(_CHUNK):
            blank = blank and not chunk.strip(b"\0")
        if not blank:
            raise _Unsound("data after the last member that is no member: the archive is damaged")

    def _guard(self) -> None:
        if self.tell() > self._limit:
            raise _Unsound(f"unpacks to more than {self._limit} bytes: refused as a decompression bomb")
