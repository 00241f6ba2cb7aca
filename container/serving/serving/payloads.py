"""Bodies of requests and responses: small ones in memory, others in a temporary file without a name.

A file crosses the process boundary as its descriptor, so a body of any size is in memory once: as the `bytes` that
the handler gets or returns.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol, TypeVar

from serving.errors import PayloadTooLarge, StorageFailed

_Result = TypeVar("_Result")

SPILL_BYTES = 1 << 20
"""Bodies above this size are kept in a file."""

_IN_MEMORY_BYTES = 16 << 20
"""Bodies up to this size are in a file in memory, where the system has such: no disk keeps the event loop waiting."""

_CHUNK_BYTES = 256 << 10
_MAX_PIECES = 512  # well below what one call may write: https://man7.org/linux/man-pages/man2/writev.2.html


@dataclass(slots=True)
class Payload:
    """A body of `size` bytes: `data`, or the content of `file` where that is not None."""

    data: bytes
    size: int
    file: BinaryIO | None = None

    @classmethod
    def of(cls, data: bytes) -> "Payload":
        """A body in memory."""
        return cls(data, len(data))

    def close(self) -> None:
        """Give up the file, if there is one."""
        if self.file is not None:
            self.file.close()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces, read without blocking the event loop."""
        if self.file is None:
            yield self.data
            return
        offset = 0
        while offset < self.size:
            chunk = await _run(self.size, os.pread, self.file.fileno(), _CHUNK_BYTES, offset)
            if not chunk:
                raise EOFError(f"the body ended after {offset} of {self.size} bytes")
            offset += len(chunk)
            yield chunk


class Source(Protocol):
    """Where a body comes from, piece by piece."""

    @property
    def finished(self) -> bool:
        """Whether the last piece was read."""

    async def read(self) -> bytes:
        """The next piece."""


async def collect(source: Source, *, limit: int, limit_name: str, announced: int | None = None) -> Payload:
    """Read a request's body, of the size that was announced if one was.

    Raises:
        PayloadTooLarge: it has more than `limit` bytes, a limit set by the variable `limit_name`.
        StorageFailed: the temporary file cannot be written.
    """
    expected = limit if announced is None else announced
    pending: list[bytes] = []
    pending_size = size = 0
    file: BinaryIO | None = None
    try:
        while not source.finished:
            chunk = await source.read()
            size += len(chunk)
            if size > limit:
                raise PayloadTooLarge(f"the body is larger than the {limit} bytes that {limit_name} allows")
            pending.append(chunk)
            pending_size += len(chunk)
            if pending_size > (_CHUNK_BYTES if file else SPILL_BYTES) or len(pending) > _MAX_PIECES:
                if file is None and size <= SPILL_BYTES:  # many tiny pieces
                    pending = [b"".join(pending)]
                    continue
                file = file or _temporary_file(expected)
                await _run(expected, _write_all, file, pending)
                pending, pending_size = [], 0
        if file is None:
            return Payload.of(pending[0] if len(pending) == 1 else b"".join(pending))
        await _run(expected, _write_all, file, pending)
    except BaseException as error:
        if file is not None:
            file.close()
        if isinstance(error, OSError):
            raise _storage_failed(error) from error
        raise
    return Payload(b"", size, file)


def store(body: bytes | bytearray | memoryview) -> Payload:
    """A response's body as it leaves the worker.

    Raises:
        StorageFailed: the temporary file cannot be written.
    """
    view = memoryview(body).cast("B")
    if view.nbytes <= SPILL_BYTES:
        return Payload.of(bytes(view))
    try:
        file = _temporary_file(view.nbytes)
        _write_all(file, [view])
    except OSError as error:
        raise _storage_failed(error) from error
    return Payload(b"", view.nbytes, file)


def take(payload: Payload) -> bytes:
    """The whole body, whose file is emptied and closed: its pages are free before the handler starts."""
    if payload.file is None:
        return payload.data
    with payload.file as file:
        file.seek(0)
        data = file.read(payload.size)
        file.truncate(0)
    if len(data) != payload.size:
        raise StorageFailed(f"a body's temporary file has {len(data)} of its {payload.size} bytes")
    return data


def adopt(descriptor: int, size: int) -> Payload:
    """The body in a file that came as a descriptor, which now belongs to the payload."""
    return Payload(b"", size, os.fdopen(descriptor, "r+b", buffering=0))


async def _run(size: int, call: Callable[..., _Result], *arguments: Any) -> _Result:
    """Read or write a part of a file of this size: at once in memory, in a thread on disk, which may be slow."""
    if size <= _IN_MEMORY_BYTES:
        return call(*arguments)
    return await asyncio.to_thread(call, *arguments)


def _temporary_file(size: int) -> BinaryIO:
    """A file without a name for so many bytes: in memory, or where that would take much of it on disk.

    Where no folder can be written, in memory all the same.
    """
    has_memory_files = hasattr(os, "memfd_create")  # macOS has none
    if size > _IN_MEMORY_BYTES or not has_memory_files:
        try:
            return tempfile.TemporaryFile(buffering=0)
        except OSError:
            if not has_memory_files:
                raise
    return os.fdopen(os.memfd_create("body"), "w+b", buffering=0)


def _write_all(file: BinaryIO, pieces: list[bytes] | list[memoryview]) -> None:
    if not pieces:
        return
    written = os.writev(file.fileno(), pieces)
    if written < sum(map(len, pieces)):  # a signal, a full disk, more than the system writes at once
        rest = memoryview(b"".join(pieces))[written:] if len(pieces) > 1 else memoryview(pieces[0])[written:]
        while rest:
            rest = rest[file.write(rest) :]


def _storage_failed(error: OSError) -> StorageFailed:
    return StorageFailed(
        f"a body cannot be kept in a temporary file: {error.strerror or error} (TMPDIR sets the folder)"
    )
