"""Bodies of requests and responses: small ones in memory, large ones in a temporary file without a name.

A file crosses the process boundary as its descriptor, so a body of any size is in memory once: as the `bytes` that
the handler gets or returns.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from serving.errors import PayloadTooLarge, StorageFailed

SPILL_BYTES = 1 << 20
"""Bodies above this size are kept in a file."""

_CHUNK_BYTES = 1 << 20


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
            chunk = await asyncio.to_thread(os.pread, self.file.fileno(), _CHUNK_BYTES, offset)
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


async def collect(source: Source, *, limit: int, limit_name: str) -> Payload:
    """Read a request's body.

    Raises:
        PayloadTooLarge: it has more than `limit` bytes, a limit set by the variable `limit_name`.
        StorageFailed: the temporary file cannot be written.
    """
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
            if pending_size > SPILL_BYTES:
                file = file or _temporary_file()
                await asyncio.to_thread(_write_all, file, b"".join(pending))
                pending.clear()
                pending_size = 0
        if file is None:
            return Payload.of(b"".join(pending))
        await asyncio.to_thread(_write_all, file, b"".join(pending))
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
        file = _temporary_file()
        _write_all(file, view)
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


def _temporary_file() -> BinaryIO:
    """A file without a name: on disk, so that what it holds is no memory; in memory where no folder can be written."""
    try:
        return tempfile.TemporaryFile(buffering=0)
    except OSError:
        if not hasattr(os, "memfd_create"):  # macOS has none
            raise
        return os.fdopen(os.memfd_create("body"), "w+b", buffering=0)


def _write_all(file: BinaryIO, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _storage_failed(error: OSError) -> StorageFailed:
    return StorageFailed(
        f"a body cannot be kept in a temporary file: {error.strerror or error} (TMPDIR sets the folder)"
    )
