"""The entries of a zip, found by its headers as its bytes pass: nothing of it has to be true but the headers' marks.

Readers go by the central directory at the end, by the local headers, or by both; whoever hides an entry from one of
them shows it to another. So every header of either kind counts, wherever it stands. Source: PKWARE's APPNOTE, 4.3.7 and
4.3.12.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

PEEK = 4096
"""Bytes of an entry that tell what it is."""

_DEFLATED = 8


@dataclass(frozen=True)
class _Kind:
    """Where a header has what: its size, and the offsets of the method, of the name's length and of the extra's."""

    size: int
    method: int
    name: int
    has_content: bool


_KINDS = {
    b"PK\x03\x04": _Kind(size=30, method=8, name=26, has_content=True),
    b"PK\x01\x02": _Kind(size=46, method=10, name=28, has_content=False),
}
_MARK = re.compile(b"|".join(map(re.escape, _KINDS)))
_MARK_BYTES = 4


class ZipEntries:
    """The entries of one zip; after `most` headers no more are looked at, and there are `too_many`."""

    def __init__(self, most: int) -> None:
        self.too_many = False
        self._left = most
        self._kept = b""

    def after(self, piece: bytes | None) -> Iterator[tuple[str, bytes]]:
        """The name and the first bytes (up to `PEEK`) of each entry that comes with `piece`; None: the zip has ended.

        An entry whose header is in the central directory has a name alone.
        """
        data = self._kept + (piece or b"")
        position = 0
        while not self.too_many and (mark := _MARK.search(data, position)):
            kind = _KINDS[mark[0]]
            content = _content_at(data, mark.start(), kind)
            if content + (PEEK if kind.has_content else 0) > len(data) and piece is not None:
                self._kept = data[mark.start() :]
                return
            if self._left == 0:
                self.too_many = True
                return
            self._left -= 1
            yield _entry(data, mark.start(), content, kind)
            position = mark.end()
        self._kept = data[max(position, len(data) - _MARK_BYTES + 1) :]


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")


def _content_at(data: bytes, start: int, kind: _Kind) -> int:
    """Where the entry of the header at `start` has its content; beyond the end where the header is not whole."""
    lengths = _number(data, start + kind.name) + _number(data, start + kind.name + 2)
    return start + kind.size + lengths


def _entry(data: bytes, start: int, content: int, kind: _Kind) -> tuple[str, bytes]:
    first = start + kind.size
    name = data[first : first + _number(data, start + kind.name)].decode("utf-8", "replace")
    head = data[content : content + PEEK] if kind.has_content else b""
    if _number(data, start + kind.method) == _DEFLATED:
        try:
            head = zlib.decompressobj(-zlib.MAX_WBITS).decompress(head, PEEK)
        except zlib.error:
            head = b""
    return name, head
