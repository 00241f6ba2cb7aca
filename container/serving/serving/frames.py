"""Frames between the server and a worker: two lengths, a JSON header, a body.

```
| header length, 4 bytes | body length, 4 bytes | header: a JSON object, UTF-8 | body |
```

A body above `payloads.SPILL_BYTES` does not travel in a frame but as a file descriptor beside it.
"""

import os
import socket
import struct
from typing import Any, NamedTuple

from serving import documents

MAX_HEADER_BYTES = 4 << 20
MAX_BODY_BYTES = 4 << 20

_LENGTHS = struct.Struct("!II")
_DESCRIPTOR_SPACE = socket.CMSG_SPACE(struct.calcsize("i"))


class FrameError(ValueError):
    """The bytes are not a frame, or the frame is longer than allowed."""


class Frame(NamedTuple):
    """One message: `header` is a JSON object, `body` opaque bytes."""

    header: dict[str, Any]
    body: bytes = b""


def encode(frame: Frame) -> bytes:
    """Bytes of `frame`.

    Raises:
        FrameError: header or body are longer than allowed.
    """
    header = documents.encode(frame.header)
    _check(len(header), len(frame.body))
    return b"".join((_LENGTHS.pack(len(header), len(frame.body)), header, frame.body))


class Decoder:
    """Cuts a stream of bytes, fed in pieces of any size, into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes | memoryview) -> list[Frame]:
        """Frames that `data` completes.

        Raises:
            FrameError: the stream cannot be a sequence of frames; it is of no further use.
        """
        frames: list[Frame] = []
        if self._buffer:
            self._buffer += data
            with memoryview(self._buffer) as view:
                used = _cut(view, frames)
            del self._buffer[:used]
        else:  # most pieces are whole frames, which need no buffer
            with memoryview(data) as view:
                self._buffer += view[_cut(view, frames) :]
        return frames


def _cut(view: memoryview, frames: list[Frame]) -> int:
    """Add the whole frames at the beginning of `view` to `frames`; returns how many bytes they have."""
    start = 0
    while len(view) - start >= _LENGTHS.size:
        header_length, body_length = _LENGTHS.unpack_from(view, start)
        _check(header_length, body_length)
        body_start = start + _LENGTHS.size + header_length
        end = body_start + body_length
        if end > len(view):
            break
        frames.append(Frame(_decode_header(view[start + _LENGTHS.size : body_start]), bytes(view[body_start:end])))
        start = end
    return start


def _decode_header(raw: memoryview) -> dict[str, Any]:
    try:
        header = documents.decode(raw)
    except ValueError as error:
        raise FrameError(f"the frame's header is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise FrameError(f"the frame's header is a {type(header).__name__}, not an object")
    return header


class Receiver:
    """Reads frames, and the file descriptors sent beside them, from a socket."""

    _READ_BYTES = 256 << 10

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._decoder = Decoder()
        self._view = memoryview(bytearray(self._READ_BYTES))  # for every read: a new one for each would cost more
        self.descriptors: list[int] = []
        """Received and not yet taken, oldest first. Whoever takes one closes it."""

    def receive(self) -> list[Frame] | None:
        """Frames completed by one read (may be none); None at the end of the stream.

        Raises:
            BlockingIOError: the socket does not block and has nothing to read.
            ConnectionError: the other side is gone.
            FrameError: what came is not a frame.
        """
        size, messages, _, _ = self._sock.recvmsg_into([self._view], _DESCRIPTOR_SPACE)
        for level, kind, data in messages:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                (descriptor,) = struct.unpack("i", data)
                os.set_inheritable(descriptor, False)  # unlike all others, these are not by themselves
                self.descriptors.append(descriptor)
        return self._decoder.feed(self._view[:size]) if size else None


def _check(header_length: int, body_length: int) -> None:
    if header_length > MAX_HEADER_BYTES:
        raise FrameError(f"a frame's header of {header_length} bytes is longer than the {MAX_HEADER_BYTES} allowed")
    if body_length > MAX_BODY_BYTES:
        raise FrameError(f"a frame's body of {body_length} bytes is longer than the {MAX_BODY_BYTES} allowed")
