"""Connections of clients: what is written together, and on which of them nothing goes on any more."""

import asyncio
from collections.abc import Iterable
from typing import Any

_LARGE_BYTES = 64 << 10


class Together:
    """A transport that writes what comes in one turn of the event loop at once.

    uvicorn writes head and body of a response one after the other. Each write costs as much as the rest of a small
    request, and wakes the client.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._call_soon = asyncio.get_running_loop().call_soon
        self._pending: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write soon; much data at once, so that the protocol is told when it is too much."""
        if not self._pending:
            self._call_soon(self._flush)
        self._pending.append(data)
        if len(data) > _LARGE_BYTES:
            self._flush()

    def close(self) -> None:
        """Write what is to be written, and close."""
        self._flush()
        self._transport.close()

    def write_eof(self) -> None:
        """Write what is to be written, and say that nothing more comes."""
        self._flush()
        self._transport.write_eof()

    def _flush(self) -> None:
        if self._pending:
            data, self._pending = self._pending, []
            self._transport.writelines(data)


class Stalled:
    """Finds what has not moved between one look and later ones."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._seen: dict[Any, tuple[object, float]] = {}

    def found(self, progress: Iterable[tuple[Any, object]], now: float) -> list[Any]:
        """Those whose progress has been the same for so many seconds. Who is missing from `progress` is forgotten."""
        seen: dict[Any, tuple[object, float]] = {}
        for who, what in progress:
            before, since = self._seen.get(who, (None, now))
            seen[who] = (what, since if before == what else now)
        self._seen = seen
        return [who for who, (_, since) in seen.items() if now - since >= self._seconds]


def waiting_for_clients(connections: Iterable[Any]) -> list[tuple[Any, object]]:
    """Those of uvicorn's connections that wait for their client, each with something that changes when it moves.

    One that receives a body, or waits for its worker, is not among them: the request's own timeout ends it.
    """
    found: list[tuple[Any, object]] = []
    for connection in connections:
        cycle = connection.cycle
        if cycle is None or cycle.response_complete:
            found.append((connection, id(cycle)))
        elif connection.flow.write_paused:
            found.append((connection, (id(cycle), connection.transport.get_write_buffer_size())))
    return found
