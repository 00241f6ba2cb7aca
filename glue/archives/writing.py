"""Archives whose bytes depend on names and contents only: no time, owner, mode, machine or compressor shows."""

import hashlib
import io
import tarfile
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from glue.archives.names import normalised
from glue.archives.stored_gzip import Sink, StoredGzip
from glue.errors import FailedError
from glue.releases import ManifestEntry


class ArchiveWriter:
    """Writes one `tar.gz` to `stream`, file by file, whatever the files' sizes.

    After the `with` block `tar_sha256` is that of the tar inside it.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._gzip = StoredGzip(stream)
        self._inner = _Hashing(self._gzip)
        self._tar = tarfile.open(fileobj=self._inner, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._paths: set[str] = set()

    def add(self, path: str, source: Path | bytes) -> ManifestEntry:
        """Append `source` as `path`.

        Raises:
            ValueError: `path` is no plain relative path, or was added before.
            FailedError: the file changed while it was read.
        """
        if normalised(path) != path or path == "." or path in self._paths:
            raise ValueError(f"{path!r}: must be a plain relative path that was not added before")
        self._paths.add(path)
        if isinstance(source, bytes):
            return self._add(path, io.BytesIO(source), len(source))
        with source.open("rb") as stream:
            size = stream.seek(0, io.SEEK_END)
            stream.seek(0)
            return self._add(path, stream, size)

    def _add(self, path: str, stream: BinaryIO, size: int) -> ManifestEntry:
        info = tarfile.TarInfo(path)
        info.size = size
        info.mode = 0o644
        content = _HashingReader(stream)
        try:
            self._tar.addfile(info, content)
        except OSError as error:
            if error.errno is None:  # tarfile's own: fewer bytes than the header has announced
                raise FailedError(f"{path}: got shorter while it was packed") from error
            raise
        if stream.read(1):
            raise FailedError(f"{path}: got longer while it was packed")
        return ManifestEntry(path=path, size=size, sha256=content.sha256)

    @property
    def tar_sha256(self) -> str:
        """The digest of the tar inside."""
        return self._inner.sha256

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        if kind is None:
            self._tar.close()
            self._gzip.close()


class _Hashing(io.RawIOBase):
    """A stream that hashes what it passes on."""

    def __init__(self, stream: Sink) -> None:
        self._stream = stream
        self._sha256 = hashlib.sha256()
        self._size = 0

    def write(self, data: Any) -> int:
        self._sha256.update(data)
        self._size += len(data)
        self._stream.write(data)
        return len(data)

    def tell(self) -> int:
        return self._size

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()


class _HashingReader(io.RawIOBase):
    """A stream that hashes what is read from it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._sha256.update(data)
        return data

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()
