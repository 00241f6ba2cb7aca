"""Gzip without compression, whose bytes depend on the content alone.

What a compressor makes of the same content changes with the library and its version (zlib, zlib-ng, …), and even level
0 splits its blocks as the library likes. Stored blocks of a fixed size are the same everywhere, every gzip reader takes
them, and unpacking costs no time when an instance starts, where weights would hardly have shrunk.

Sources: RFC 1952 (gzip), RFC 1951 section 3.2.4 (stored blocks).
"""

import struct
import zlib
from typing import Protocol

_HEADER = b"\x1f\x8b\x08\x00" + b"\x00\x00\x00\x00" + b"\x00\xff"  # deflate, no name; no time; unknown system
_BLOCK = 0xFFFF  # bytes: the most that a stored block holds


class Sink(Protocol):
    """What takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Take `data`."""


class StoredGzip:
    """A stream that writes what it is given as gzip to another; `close` completes it and leaves the other open."""

    def __init__(self, stream: Sink) -> None:
        self._stream = stream
        self._buffer = bytearray()
        self._crc = 0
        self._size = 0
        stream.write(_HEADER)

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Add `data`."""
        with memoryview(data) as view:
            count = view.nbytes
            self._crc = zlib.crc32(view, self._crc)
            self._size += count
            self._buffer += view
        # The last block has its own mark: whatever may turn out to be the last one waits.
        whole = (len(self._buffer) - 1) // _BLOCK * _BLOCK if self._buffer else 0
        for start in range(0, whole, _BLOCK):
            self._put(self._buffer[start : start + _BLOCK], last=False)
        del self._buffer[:whole]
        return count

    def tell(self) -> int:
        """How many bytes were given so far."""
        return self._size

    def close(self) -> None:
        """Write the last block and the checksum."""
        self._put(self._buffer, last=True)
        self._stream.write(struct.pack("<II", self._crc, self._size & 0xFFFFFFFF))

    def _put(self, data: bytes | bytearray, *, last: bool) -> None:
        self._stream.write(struct.pack("<BHH", last, len(data), len(data) ^ 0xFFFF))
        self._stream.write(bytes(data))
