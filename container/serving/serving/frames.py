"""Frames between the server and a worker: two lengths, a JSON header, a body.

```
| header length, 4 bytes | body length, 4 bytes | header: a JSON object, UTF-8 | body |
```

A body above `payloads.SPILL_BYTES` does not travel in a frame but as a file descriptor beside it.
"""

import json
import os
import socket
import struct
from typing import Any, NamedTuple

MAX_HEADER_BYTES = 4 << 20
MAX_BODY_BYTES = 4 << 20

_encode_header = json.JSONEncoder(separators=(",", ":")).encode
_LENGTHS = struct.Struct("!II")


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
    header = _encode_header(frame.header).encode()
    _check(len(header), len(frame.body))
    return b"".join((_LENGTHS.pack(len(header), len(frame.body)), header, frame.body))


class Decoder:
    """Cuts a stream of bytes, fed in pieces of any size, into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that `data` completes.

        Raises:
            FrameError: the stream cannot be a sequence of frames; it is of no further use.
        """
        self._buffer += data
        frames: list[Frame] = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    def _next(self) -> Frame | None:
        if len(self._buffer) < _LENGTHS.size:
            return None
        header_length, body_length = _LENGTHS.unpack_from(self._buffer)
        _check(header_length, body_length)
        body_start = _LENGTHS.size + header_length
        end = body_start + body_length
        if len(self._buffer) < end:
            return None
        with memoryview(self._buffer) as view:
            raw_header, body = bytes(view[_LENGTHS.size : body_start]), bytes(view[body_start:end])
        del self._buffer[:end]
        try:
            header = json.loads(raw_header)
        except ValueError as error:
            raise FrameError(f"the frame's header is not JSON: {error}") from error
        if not isinstance(header, dict):
            raise FrameError(f"the frame's header is a {type(header).__name__}, not an object")
        return Frame(header, body)


class Receiver:
    """Reads frames, and the file descriptors sent beside them, from a socket."""

    _READ_BYTES = 256 << 10

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._decoder = Decoder()
        self.descriptors: list[int] = []
        """Received and not yet taken, oldest first. Whoever takes one closes it."""

    def receive(self) -> list[Frame] | None:
        """Frames completed by one read (may be none); None at the end of the stream.

        Raises:
            BlockingIOError: the socket does not block and has nothing to read.
            ConnectionError: the other side is gone.
            FrameError: what came is not a frame.
        """
        data, descriptors, _, _ = socket.recv_fds(self._sock, self._READ_BYTES, 1)
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)  # unlike all others, these are not by themselves
        self.descriptors += descriptors
        return self._decoder.feed(data) if data else None


def _check(header_length: int, body_length: int) -> None:
    if header_length > MAX_HEADER_BYTES:
        raise FrameError(f"a frame's header of {header_length} bytes is longer than the {MAX_HEADER_BYTES} allowed")
    if body_length > MAX_BODY_BYTES:
        raise FrameError(f"a frame's body of {body_length} bytes is longer than the {MAX_BODY_BYTES} allowed")
