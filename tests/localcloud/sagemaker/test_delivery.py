"""Requests into a server that is not what a container should be."""

import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from glue.localcloud.clock import Clock
from glue.localcloud.sagemaker.delivery import (
    Answer,
    ContainerLostError,
    NotDeliveredError,
    TimedOutError,
    connected,
    post,
)

PIECES = [bytes(64 * 1024)] * 512
SIZE = 32 * 1024 * 1024


@contextmanager
def container(serve: Callable[[socket.socket], None]) -> Iterator[tuple[str, int]]:
    """Listens for one connection and serves it."""

    def accept() -> None:
        line, _ = listener.accept()
        with line:
            serve(line)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()
        thread.join(10)


def send(address: tuple[str, int], pieces: list[bytes], *, within: float = 10) -> Answer:
    headers = {"Content-Length": str(sum(len(piece) for piece in pieces)), "Connection": "close"}
    with connected(address) as connection:
        return post(connection, headers, pieces, io.BytesIO(), Clock().deadline(within))


def read_all(line: socket.socket, size: int) -> None:
    received = b""
    while b"\r\n\r\n" not in received:
        received += line.recv(1024)
    left = size - len(received.partition(b"\r\n\r\n")[2])
    while left:
        left -= len(line.recv(1024 * 1024))


def test_what_is_read_late_is_answered() -> None:
    released = threading.Event()

    def serve(line: socket.socket) -> None:
        released.wait(10)
        read_all(line, SIZE)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with container(serve) as address:
        threading.Timer(2.5, released.set).start()  # longer than a connection may take
        answer = send(address, PIECES)
    assert (answer.status, answer.sized, answer.small(2)) == (200, True, b"ok")


def test_what_is_not_read_times_out_and_so_does_what_is_read_and_not_answered() -> None:
    for size in (SIZE, 2):
        ended = threading.Event()

        def serve(line: socket.socket, ended: threading.Event = ended) -> None:
            ended.wait(10)

        with container(serve) as address:
            with pytest.raises(TimedOutError):
                send(address, PIECES if size == SIZE else [b"{}"], within=0.3)
            ended.set()


def test_reading_a_little_at_a_time_does_not_outlast_the_limit() -> None:
    ended = threading.Event()

    def serve(line: socket.socket) -> None:
        while not ended.wait(0.05):
            line.recv(256 * 1024)

    with container(serve) as address:
        with pytest.raises(TimedOutError):
            send(address, PIECES, within=0.5)
        ended.set()


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with pytest.raises(NotDeliveredError):
        send(address, [b"{}"])


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf",
    ],
)
def test_an_answer_that_breaks_off_is_a_lost_container(answer: bytes) -> None:
    def serve(line: socket.socket) -> None:
        read_all(line, 2)
        line.sendall(answer)

    with container(serve) as address, pytest.raises(ContainerLostError):
        send(address, [b"{}"])


@pytest.mark.parametrize("size", [0, 1, 300_000])
def test_an_answer_of_any_length_is_read_to_its_end(size: int) -> None:
    def serve(line: socket.socket) -> None:
        read_all(line, 2)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)

    with container(serve) as address:
        answer = send(address, [b"{}"])
    assert (answer.size, answer.sized, answer.small(size)) == (size, True, b"x" * size)


def test_an_answer_in_chunks_tells_no_length() -> None:
    def serve(line: socket.socket) -> None:
        read_all(line, 2)
        line.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n4\r\nhalf\r\n0\r\n\r\n")

    with container(serve) as address:
        answer = send(address, [b"{}"])
    assert (answer.sized, answer.small(8)) == (False, b"halfhalf")
    assert answer.small(7) is None


def test_what_the_body_raises_is_raised() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"{"
        raise RuntimeError("broken off")

    def serve(line: socket.socket) -> None:
        while line.recv(1024):
            pass

    with (
        container(serve) as address,
        pytest.raises(RuntimeError, match="broken off"),
        connected(address) as connection,
    ):
        post(connection, {"Content-Length": "2"}, pieces(), io.BytesIO(), Clock().deadline(10))
