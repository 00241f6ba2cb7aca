"""Clients on raw sockets in one thread: less work for each request than any server has."""

import contextlib
import selectors
import socket
import time
from dataclasses import dataclass

_CHUNK = 1 << 20
_SECONDS = 300


@dataclass(frozen=True)
class Load:
    """What clients got from a server: requests per second, and the share of a processor that they took themselves."""

    rate: float
    client_share: float


def request(body: bytes, content_type: str) -> bytes:
    """An invocation as it is sent."""
    head = (
        "POST /invocations HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def press(port: int, message: bytes, *, clients: int, seconds: float) -> Load:
    """Send the same request over and over from so many clients at once.

    Raises:
        RuntimeError: an answer was not a success, or the last ones did not come.
    """
    with selectors.DefaultSelector() as selector:
        connections = [_Connection(port, message, selector) for _ in range(clients)]
        started, cpu, done = time.perf_counter(), time.process_time(), 0
        end = started + seconds
        while time.perf_counter() < end:
            for key, events in selector.select(1):
                done += key.data.move(events)
        elapsed = time.perf_counter() - started
        share = (time.process_time() - cpu) / elapsed
        for connection in connections:
            connection.is_last = True
        while selector.get_map():  # a server that still has these would refuse the first ones of the next turn
            for key, events in selector.select(1):
                key.data.move(events)
            if time.perf_counter() > end + _SECONDS:
                raise RuntimeError("the last requests were not answered")
    return Load(done / elapsed, share)


def post(port: int, message: bytes) -> int:
    """Send one request; returns the size of its answer's body."""
    with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as connection:
        connection.sendall(message)
        received = bytearray()
        while b"\r\n\r\n" not in received:
            received += _some(connection)
        size = _length(received)
        count = len(received) - received.index(b"\r\n\r\n") - 4
        while count < size:
            count += len(_some(connection))
        return count


def ping(port: int) -> bool:
    """Whether the health check is answered with success, over a connection of its own."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as connection:
            connection.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return connection.recv(_CHUNK).startswith(b"HTTP/1.1 200")
    except ConnectionError:
        return False


class _Connection:
    """One client: sends its request, takes the answer, begins anew unless that was its last."""

    def __init__(self, port: int, message: bytes, selector: selectors.BaseSelector) -> None:
        self.is_last = False
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self._message = message
        self._selector = selector
        self._head = bytearray()
        self._left = 0
        self._out = memoryview(b"")
        selector.register(self.socket, selectors.EVENT_READ, self)
        self._begin()

    def move(self, events: int) -> int:
        """Go on; returns the answers that are complete, 0 or 1."""
        if events & selectors.EVENT_WRITE:
            self._send()
        if not events & selectors.EVENT_READ:
            return 0
        data = self.socket.recv(_CHUNK)
        if not data:
            raise RuntimeError("the server hung up")
        if self._left:
            self._left -= len(data)
        else:
            self._head += data
            if (end := self._head.find(b"\r\n\r\n")) < 0:
                return 0
            self._left = _length(self._head) - (len(self._head) - end - 4)
        if self._left:
            return 0
        self._head.clear()
        if self.is_last:
            self._selector.unregister(self.socket)
            self.socket.close()
        else:
            self._begin()
        return 1

    def _begin(self) -> None:
        self._out = memoryview(self._message)
        self._send()

    def _send(self) -> None:
        waited = len(self._out) < len(self._message)
        with contextlib.suppress(BlockingIOError):
            self._out = self._out[self.socket.send(self._out) :]
        if bool(self._out) != waited:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._out else 0)
            self._selector.modify(self.socket, events, self)


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(_CHUNK)
    if not data:
        raise RuntimeError("the server hung up")
    return data


def _length(answer: bytearray) -> int:
    """The length that the head of an answer announces."""
    head = bytes(answer.partition(b"\r\n\r\n")[0])
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"the answer is no success: {bytes(answer[:500])!r}")
    lines = head.lower().split(b"\r\n")
    return next(int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:"))
