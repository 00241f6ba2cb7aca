"""Bodies of requests and responses: small ones in memory, others in a temporary file without a name.

A file crosses the process boundary as its descriptor, so a body of any size is in memory once: as the `bytes` or `str`
that the handler gets or returns.
"""

import codecs
import mmap
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from serving import files
from serving.errors import PayloadTooLarge, StorageFailed, Unserializable

SPILL_BYTES = 1 << 20
"""Bodies above this size are kept in a file."""

_CHUNK_BYTES = 512 << 10
_MAX_PIECES = 512  # well below what one call may write: https://man7.org/linux/man-pages/man2/writev.2.html
_TEXT_PARTS = 64
"""A large text is decoded in so many parts, each of which is in memory twice for a moment."""


@dataclass(slots=True)
class Payload:
    """A body of `size` bytes: `data`, or the beginning of `file` where that is not None."""

    data: bytes
    size: int
    file: BinaryIO | None = None
    mapping: mmap.mmap | None = None
    """The file's, if it is one in memory of this process, which is worth keeping."""

    @classmethod
    def of(cls, data: bytes) -> "Payload":
        """A body in memory."""
        return cls(data, len(data))

    def close(self) -> None:
        """Give up the body: an error's traceback may keep the payload for a while."""
        self.data = b""
        if self.mapping is not None:
            self.mapping.close()
        if self.file is not None:
            self.file.close()
        self.file = self.mapping = None

    def recycle(self) -> None:
        """Give up the file, for another body to be put into: nobody else must be using it."""
        if self.file is not None and self.mapping is not None:
            files.keep(self.file, self.mapping)
            self.file = self.mapping = None
        self.close()

    def replaced(self, size: int) -> "Payload":
        """The body of this size that a worker has put into the file of this one, which no longer has it."""
        replaced = Payload(b"", size, self.file, self.mapping)
        self.file = self.mapping = None
        return replaced

    def put(self, piece: bytes) -> None:
        """Add a piece to a body that is being mapped."""
        assert self.mapping is not None  # noqa: S101 - who adds has mapped it
        end = self.size + len(piece)
        self.mapping[self.size : end] = piece
        self.size = end

    async def chunks(self) -> AsyncIterator[bytes]:
        """What is in the file, in pieces, read without blocking the event loop."""
        assert self.file is not None  # noqa: S101 - who asks has seen it
        offset = 0
        if self.mapping is not None:
            mapped = min(self.size, len(self.mapping))
            for offset in range(0, mapped, _CHUNK_BYTES):
                yield self.mapping[offset : min(offset + _CHUNK_BYTES, mapped)]
            offset = mapped
        while offset < self.size:
            length = min(_CHUNK_BYTES, self.size - offset)
            chunk = await files.run(self.size, os.pread, self.file.fileno(), length, offset)
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
    if announced is not None and announced > SPILL_BYTES and files.are_in_memory(announced):
        return await _collect_in_memory(source, announced)
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
                file = file or files.temporary(expected)
                await files.run(expected, files.write, file, pending)
                pending, pending_size = [], 0
        if file is None:
            return Payload.of(pending[0] if len(pending) == 1 else b"".join(pending))
        await files.run(expected, files.write, file, pending)
    except BaseException as error:
        if file is not None:
            file.close()
        if isinstance(error, OSError):
            raise _storage_failed(error) from error
        raise
    return Payload(b"", size, file)


async def _collect_in_memory(source: Source, size: int) -> Payload:
    try:
        payload = Payload(b"", 0, *files.mapped(size))
    except OSError as error:
        raise _storage_failed(error) from error
    try:
        while not source.finished:
            piece = await source.read()
            payload.put(piece)
    except BaseException:
        payload.close()
        raise
    return payload


def store(body: str | bytes | bytearray | memoryview, request: Payload | None = None) -> Payload:
    """A response's body as it leaves the worker, in the file of its request where that still has one.

    Raises:
        Unserializable: it is text that UTF-8 has no form for.
        StorageFailed: the temporary file cannot be written.
    """
    length = len(body) if isinstance(body, str) else memoryview(body).nbytes
    if length <= SPILL_BYTES:
        return Payload.of(b"".join(_pieces(body)) if isinstance(body, str) else bytes(body))
    if request is not None and request.file is not None and length <= files.IN_MEMORY_BYTES:
        payload = request.replaced(0)
    else:
        payload = Payload(b"", 0)
    try:
        payload.file = payload.file or files.temporary(length)
        payload.file.seek(0)
        for piece in _pieces(body):
            files.write(payload.file, [piece])
            payload.size += len(piece)
    except BaseException as error:
        payload.close()
        if isinstance(error, OSError):
            raise _storage_failed(error) from error
        raise
    return payload


def _pieces(body: str | bytes | bytearray | memoryview) -> Iterator[memoryview]:
    """A body's bytes: at once, or for a text in parts, so that it is never in memory in both forms."""
    if not isinstance(body, str):
        yield memoryview(body).cast("B")
        return
    try:
        for start in range(0, len(body), SPILL_BYTES):
            yield memoryview(body[start : start + SPILL_BYTES].encode())
    except UnicodeEncodeError as error:
        raise Unserializable(
            f"the result is text that UTF-8 has no form for: {error.reason} at character {start + error.start}"
        ) from None


def take(payload: Payload) -> bytes:
    """The whole body. A large one's file is emptied and closed: its pages are free before the handler starts."""
    if payload.file is None:
        data, payload.data = payload.data, b""
        return data
    data = _read(payload.file, payload.size, 0, payload.size)
    _empty(payload)
    return data


def take_text(payload: Payload) -> str:
    """The whole body, which is UTF-8, as text.

    Raises:
        UnicodeDecodeError: it is none.
    """
    if payload.file is None or payload.size <= files.IN_MEMORY_BYTES:
        return take(payload).decode()
    decoder = codecs.getincrementaldecoder("utf-8")()
    length = -(-payload.size // _TEXT_PARTS)
    text = ""
    for start in range(0, payload.size, length):
        part = _read(payload.file, min(length, payload.size - start), start, payload.size)
        try:
            # In place, as long as nobody else has the text and its widest character stays as wide.
            text += decoder.decode(part, final=start + length >= payload.size)
        except UnicodeDecodeError as error:
            kept = len(error.object) - len(part)  # of a character that began in the part before
            error.start, error.end = error.start + start - kept, error.end + start - kept
            raise
    _empty(payload)
    return text


def _read(file: BinaryIO, length: int, offset: int, size: int) -> bytes:
    data = os.pread(file.fileno(), length, offset)
    while len(data) < length:  # more than the system reads at once
        more = os.pread(file.fileno(), length - len(data), offset + len(data))
        if not more:
            raise StorageFailed(f"a body's temporary file has {offset + len(data)} of its {size} bytes")
        data += more
    return data


def _empty(payload: Payload) -> None:
    """Free the pages of a file that has been read, unless it is so small that the response may use it again."""
    if payload.file is not None and payload.size > files.IN_MEMORY_BYTES:
        payload.file.truncate(0)
        payload.close()


def adopt(descriptor: int, size: int) -> Payload:
    """The body in a file that came as a descriptor, which now belongs to the payload."""
    return Payload(b"", size, os.fdopen(descriptor, "r+b", buffering=0))


def _storage_failed(error: OSError) -> StorageFailed:
    return StorageFailed(
        f"a body cannot be kept in a temporary file: {error.strerror or error} (TMPDIR sets the folder)"
    )
