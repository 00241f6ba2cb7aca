"""One HTTP exchange over ASGI: the request that came, and its one response.

https://asgi.readthedocs.io/en/stable/specs/www.html
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from serving import documents
from serving.errors import ClientGone
from serving.payloads import Payload

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]
Headers = list[Header]

JSON = (b"content-type", b"application/json")
_MOST_DIGITS = 20
"""Of a length that is read: zeros may come before it, and Python refuses to read thousands of digits."""
_BODILESS = frozenset({204, 304})
"""Responses of these statuses have no body: https://www.rfc-editor.org/rfc/rfc9110#section-6.4.1"""


class Exchange:
    """A request, and what is answered to it."""

    __slots__ = ("_receive", "_send", "answered", "came", "finished", "headers", "heard", "method", "path", "sends")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        """Names in lower case; of several headers of one name the last."""
        self.sends = "expect" not in self.headers
        """Whether the client sends its body: one may ask first, and does once the first piece is read."""
        self.finished = False
        """Whether the whole body has been read."""
        self.came = self.heard = time.monotonic()
        """When the request came, and when its client last sent something."""
        self.answered = False
        """Whether the response has begun."""
        self._receive = receive
        self._send = send

    @property
    def announced(self) -> int | None:
        """The size that the body will have; None where the client does not say, or says otherwise too.

        https://www.rfc-editor.org/rfc/rfc9112#section-6.3
        """
        length = self.headers.get("content-length", "")
        if "transfer-encoding" in self.headers or not length.isdecimal() or len(length) > _MOST_DIGITS:
            return None
        return int(length)

    async def read(self) -> bytes:
        """The next piece of the body; `finished` after the last.

        Raises:
            ClientGone: the client left before the end.
        """
        self.sends = True
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        self.heard = time.monotonic()
        self.finished = not message.get("more_body", False)
        return message.get("body", b"")  # type: ignore[no-any-return]

    async def wait_until_gone(self) -> None:
        """Return when the client has hung up. The body must have been read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def answer(self, status: int, headers: Headers, body: Payload) -> None:
        """Send the response, with the length of its body.

        Raises:
            ClientGone: the client left before it had a large body.
            EOFError: the body's file is shorter than it should be.
        """
        self.answered = True
        if status in _BODILESS:
            await self._send({"type": "http.response.start", "status": status, "headers": headers})
            await self._send({"type": "http.response.body"})
            return
        headers.append((b"content-length", b"%d" % body.size))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        if body.file is None:
            await self._send({"type": "http.response.body", "body": body.data})
            return
        gone = asyncio.ensure_future(self.wait_until_gone())
        try:
            async for chunk in body.chunks():
                if gone.done():
                    raise ClientGone
                await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            gone.cancel()
        await self._send({"type": "http.response.body"})

    async def answer_json(self, status: int, document: dict[str, Any]) -> None:
        """Send a JSON document."""
        await self._answer_json(status, documents.encode(document), ())

    async def refuse(self, status: int, code: str, message: str, headers: Iterable[Header] = ()) -> None:
        """Send an error."""
        await self._answer_json(status, documents.error(code, message), headers)

    async def _answer_json(self, status: int, body: bytes, headers: Iterable[Header]) -> None:
        await self.answer(status, [JSON, *headers], Payload.of(body))
