"""One connection: uvicorn's protocol, with a bound on the headers, and bodies that are not copied on their way."""

import asyncio
import sys
from http import HTTPStatus
from typing import Any, Self

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from serving import documents
from serving.connections import Together

MAX_HEAD_BYTES = 64 << 10
"""Request line and headers of a request."""

_AHEAD_BYTES = 512 << 10
"""How much of a body is read before the application has taken what came before."""


class Protocol(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
    """What happens on one connection. Callbacks named `on_…` come from httptools only; h11 bounds headers itself."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_bytes: int | None = None
        """Of a head that is on its way: what came before the data that is being parsed."""
        self._piece_bytes = 0
        self._is_mixed = False
        """Whether the data that is being parsed held something else before the head that begins in it."""
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin, with writes that go out together."""
        super().connection_made(Together(transport))

    def data_received(self, data: bytes) -> None:
        """Take what the client sent; once it was refused, only so that the refusal is not lost with the connection."""
        if self._refused:
            return
        self._piece_bytes = len(data)
        self._is_mixed = False
        super().data_received(data)
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.logger.warning("HTTP request with too large headers received.")
                self._refuse_head()

    def on_message_begin(self) -> None:
        """The first byte of a request is there; behind the end of another one, how far is not known."""
        self._head_bytes = -self._piece_bytes if self._is_mixed else 0
        self._is_mixed = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Request line and headers are there: what follows is the body."""
        came, self._head_bytes = (self._head_bytes or 0) + self._piece_bytes, None
        if came > MAX_HEAD_BYTES and self._head_size() > MAX_HEAD_BYTES:  # what came may be a body for the most part
            self._refuse_head()
            raise ValueError("the headers are too large")  # ends the parsing
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body is there."""
        self._is_mixed = True
        cycle = self.cycle
        if cycle.response_complete:
            return
        if not cycle.body:
            cycle.body = body  # as most do, it may have come at once
        elif isinstance(cycle.body, bytes):
            cycle.body = _Pieces(cycle.body, body)
        else:
            cycle.body += body
        if len(cycle.body) > _AHEAD_BYTES:
            self.flow.pause_reading()
        cycle.message_event.set()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """What came is not HTTP, or more than h11 takes, whose exception is being handled."""
        if getattr(sys.exc_info()[1], "error_status_hint", None) == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
            self._refuse_head()
        else:
            self._refuse(HTTPStatus.BAD_REQUEST, "this is not an HTTP request")

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _refuse_head(self) -> None:
        self._refuse(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"the request line and the headers are larger than the {MAX_HEAD_BYTES} bytes that are allowed",
        )

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        """Answer with an error, and take nothing more."""
        if self._refused:
            return
        self._refused = True
        cycle = self.cycle
        running = cycle is not None and not cycle.response_complete
        is_its_own = cycle.more_body and not cycle.response_started if running else True
        if is_its_own:  # else it would be taken for the answer to the request before
            body = documents.error(status.phrase.lower().replace(" ", "_"), message)
            head = (
                f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        if running:
            self.transport.close()
        else:  # to close now could take the answer from a client that still sends; one that goes on is stalled
            self.transport.write_eof()


class _Pieces:
    """Pieces of a body, joined only if there are several when they are taken."""

    __slots__ = ("_pieces", "_size")

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)
        self._size = sum(map(len, pieces))

    def __iadd__(self, piece: bytes) -> Self:
        self._pieces.append(piece)
        self._size += len(piece)
        return self

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        return b"".join(self._pieces)
