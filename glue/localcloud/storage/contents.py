"""Bytes too large for memory: files in a folder, read piece by piece, gone with their last user."""

import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import overload

CHUNK = 256 * 1024


class _File:
    """A file that is removed when nobody refers to it any more."""

    def __init__(self, path: Path) -> None:
        self.path = path
        weakref.finalize(self, path.unlink, missing_ok=True)


class Content:
    """Immutable bytes in a file. Stands where S3 keeps `bytes`: it has a length, slices, and can be iterated over."""

    def __init__(self, file: _File, start: int, length: int) -> None:
        self._file = file
        self._start = start
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        """The bytes in pieces of `CHUNK` at most."""
        with self._file.path.open("rb", buffering=0) as file:
            position, end = self._start, self._start + self._length
            while position < end and (chunk := os.pread(file.fileno(), min(CHUNK, end - position), position)):
                position += len(chunk)
                yield chunk

    @overload
    def __getitem__(self, place: slice) -> "Content": ...

    @overload
    def __getitem__(self, place: int) -> int: ...

    def __getitem__(self, place: slice | int) -> "Content | int":
        """A part, which shares the file."""
        if isinstance(place, int):
            return bytes(self[place : place + 1 or None])[0]
        start, stop, step = place.indices(self._length)
        if step != 1:
            raise ValueError("a content has no steps")
        return Content(self._file, self._start + start, max(0, stop - start))

    def __bytes__(self) -> bytes:
        return b"".join(self)


class Contents:
    """Makes contents in `folder`, which is this process's alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, chunks: Iterable[bytes]) -> Content:
        """Keep `chunks`, one after the other.

        Raises:
            OSError: the disk is full.
        """
        descriptor, name = tempfile.mkstemp(dir=self._folder)
        file = _File(Path(name))
        size = 0
        with os.fdopen(descriptor, "wb", buffering=0) as stream:
            for chunk in chunks:
                view = memoryview(chunk)
                while view:
                    view = view[stream.write(view) :]
                size += len(chunk)
        return Content(file, 0, size)
