"""One request on its way into a container, and the answer on its way back."""

import contextlib
import http.client
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from glue.localcloud.clock import Deadline

_CHUNK = 64 * 1024
_CONNECT_TIMEOUT = 2.0


class NotDeliveredError(Exception):
    """The container got nothing of the request."""


class ContainerLostError(Exception):
    """The container hung up while it had the request: it may have handled it."""


class NotHeldError(Exception):
    """There was no room for the answer. The message says why."""


class TimedOutError(Exception):
    """The container did not read the request and answer it in time."""


@dataclass
class Answer:
    """What a container answered. `sized` says whether it told the length; `body` holds `size` bytes."""

    status: int
    content_type: str | None
    sized: bool
    body: IO[bytes]
    size: int

    def small(self, limit: int) -> bytes | None:
        """The body, unless it is larger than `limit` bytes."""
        if self.size > limit:
            return None
        self.body.seek(0)
        return self.body.read()


@contextlib.contextmanager
def connected(address: tuple[str, int]) -> Iterator[http.client.HTTPConnection]:
    """A connection to the container that listens at `address`.

    Raises:
        NotDeliveredError: nobody listens there.
    """
    connection = http.client.HTTPConnection(*address, timeout=_CONNECT_TIMEOUT)
    try:
        connection.connect()
    except OSError as error:
        raise NotDeliveredError from error
    with contextlib.closing(connection):
        yield connection


def post(
    connection: http.client.HTTPConnection,
    headers: Mapping[str, str],
    body: Iterable[bytes],
    spool: IO[bytes],
    limit: Deadline,
) -> Answer:
    """Send a request to `/invocations`, piece by piece; the answer, its body written to `spool`.

    Whatever `body` raises is raised.

    Raises:
        TimedOutError: `limit` passed before the last byte of the answer was there.
        ContainerLostError: the connection ended before.
        NotHeldError: `spool` did not take the answer.
    """
    line: socket.socket = connection.sock
    try:
        _send(connection, headers, body, limit)
        line.settimeout(_left(limit))
        response = connection.getresponse()
        size = _receive(response, line, spool, limit)
    except TimeoutError as error:
        raise TimedOutError from error
    except (http.client.HTTPException, OSError) as error:
        raise ContainerLostError(repr(error)) from error
    sized = "Content-Length" in response.headers
    return Answer(response.status, response.headers.get("Content-Type"), sized, spool, size)


def _send(
    connection: http.client.HTTPConnection, headers: Mapping[str, str], body: Iterable[bytes], limit: Deadline
) -> None:
    connection.putrequest("POST", "/invocations")
    for name, value in headers.items():
        connection.putheader(name, value)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may have answered without reading all
        connection.endheaders()
        for piece in body:
            connection.sock.settimeout(_left(limit))
            connection.send(piece)


def _receive(response: http.client.HTTPResponse, line: socket.socket, spool: IO[bytes], limit: Deadline) -> int:
    size = 0
    while not response.isclosed():  # newer Pythons close it, and the line with it, with the last byte
        line.settimeout(_left(limit))
        piece = response.read1(_CHUNK)
        if not piece:
            break
        with _holding():
            spool.write(piece)
        size += len(piece)
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    with _holding():
        spool.flush()
    return size


@contextlib.contextmanager
def _holding() -> Iterator[None]:
    try:
        yield
    except OSError as error:  # such as a full disk
        raise NotHeldError(str(error)) from error


def _left(limit: Deadline) -> float:
    """Seconds of the machine's clock, for a socket: it takes 0 as no waiting at all."""
    if limit.passed:
        raise TimeoutError
    return limit.real_remaining
