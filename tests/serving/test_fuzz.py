"""Clients of every bad sort, one after the other: the server answers or hangs up, and is as it was before.

`SERVING_CONNECTIONS` sets how many there are, `SERVING_SEED` which.
"""

import contextlib
import os
import random
import socket
import struct
from collections.abc import Callable

import pytest

from tests.serving.conftest import Launcher, Server, descriptors, resident_bytes, wait_until

CONNECTIONS = int(os.environ.get("SERVING_CONNECTIONS", "10000"))
SEED = int(os.environ.get("SERVING_SEED", "1"))
HEALTHY = {"ready", "busy", "starting", "loading"}
"""A client that leaves while its request runs has the worker replaced, on a machine so slow that it runs for long."""

ECHO = """
    def model_fn(model_dir):
        pass
    def transform_fn(model, body, content_type, accept):
        return body, "application/octet-stream"
"""
HEAD = b"POST /invocations HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def server(launch: Launcher) -> Server:
    return launch(ECHO, SAGEMAKER_MAX_CONCURRENT_INVOCATIONS="4", TS_MAX_REQUEST_SIZE="2000000").ready()


def valid(rng: random.Random) -> bytes:
    body = rng.randbytes(rng.choice([0, 1, 1000]))
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


def noise(rng: random.Random) -> bytes:
    return rng.randbytes(rng.randrange(1, 200))


def bent(rng: random.Random) -> bytes:
    """A valid request with some bytes changed, lost or repeated."""
    message = bytearray(valid(rng))
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(message))
        match rng.randrange(3):
            case 0:
                message[at] = rng.randrange(256)
            case 1:
                del message[at : at + rng.randrange(20)]
            case _:
                message[at:at] = message[at : at + rng.randrange(20)]
        message = message or bytearray(b"\r\n")
    return bytes(message)


def wrong_length(rng: random.Random) -> bytes:
    length = rng.choice([b"-1", b"0x10", b"99999999999999999999", b"3, 4", b"", b"1\r\nContent-Length: 2", b"2000001"])
    return HEAD + b"Content-Length: " + length + b"\r\n\r\nabc"


def chunked(rng: random.Random) -> bytes:
    body = rng.choice([b"3\r\nabc\r\n0\r\n\r\n", b"zz\r\nabc\r\n", b"ffffffffffffffffff\r\n", b"3\r\nabcde", b"-1\r\n"])
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body


def headers(rng: random.Random) -> bytes:
    kind = rng.randrange(4)
    if kind == 0:
        line = b"X: " + b"y" * rng.randrange(200_000)
    elif kind == 1:
        line = b"\r\n".join(b"X-%d: y" % number for number in range(rng.randrange(3000)))
    elif kind == 2:
        line = b"X\x00: " + rng.randbytes(20)
    else:
        line = b"X-Amzn-SageMaker-Inference-Id: " + bytes(rng.choices(range(32, 256), k=300))
    return HEAD + line + b"\r\nContent-Length: 1\r\n\r\nx"


def smuggled(rng: random.Random) -> bytes:
    return HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + valid(rng)


MESSAGES: list[Callable[[random.Random], bytes]] = [valid, noise, bent, wrong_length, chunked, headers, smuggled]


def behave(connection: socket.socket, message: bytes, rng: random.Random) -> None:
    """Send some or all of a message, and leave in some way."""
    match rng.randrange(5):
        case 0:  # all at once, and take an answer
            connection.sendall(message)
            connection.settimeout(0.02)
            first = connection.recv(65536)
            assert not first or first.startswith(b"HTTP/1.1 "), first
        case 1:  # byte by byte for a while
            for number in range(min(len(message), 30)):
                connection.sendall(message[number : number + 1])
        case 2:  # say that nothing more comes, and wait for the end
            connection.sendall(message)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(5)
            while connection.recv(65536):
                pass
        case 3:  # cut it off with a reset
            connection.sendall(message[: rng.randrange(len(message) + 1)])
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        case _:  # leave in the middle
            connection.sendall(message[: rng.randrange(len(message) + 1)])


def test_after_any_clients_in_turn_the_server_is_as_before(server: Server) -> None:
    rng = random.Random(SEED)  # noqa: S311 - the same clients each time
    port = server.record("listening")["port"]

    def run(count: int) -> None:
        for number in range(count):
            message = rng.choice(MESSAGES)(rng)
            with (
                socket.create_connection(("127.0.0.1", port), timeout=20) as connection,
                contextlib.suppress(ConnectionError, TimeoutError),  # it hung up first, or waits for the rest
            ):
                behave(connection, message, rng)
            if number % 50 == 0:
                assert server.ping().json()["status"] in HEALTHY

    def settled() -> bool:
        return server.ping().json() == {"status": "ready"} and descriptors(*server.pids) == before

    assert server.ping().status_code == 200
    before = descriptors(*server.pids)
    run(CONNECTIONS // 2)
    wait_until(settled, "all connections are closed")
    memory = resident_bytes(*server.pids)
    run(CONNECTIONS - CONNECTIONS // 2)
    wait_until(settled, "all connections are closed again")
    assert resident_bytes(*server.pids) - memory < 20_000_000
    assert server.post(b"fine", "application/octet-stream").content == b"fine"
    assert server.records("request", outcome="internal_error") == []
    assert server.records("library", level="error") == []
