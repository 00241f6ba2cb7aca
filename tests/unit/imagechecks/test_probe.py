"""The probe and its program, with processes of this machine in place of a container's."""

import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Any

import pytest

from glue.engines import Container
from glue.imagechecks.probe import Probe, ProbeError

MIB = 1 << 20
BODY = 64 * MIB
MOST = 60 * MIB
"""Address space of the program: it has an interpreter and no body in it."""


class Server(BaseHTTPRequestHandler):
    """Answers by path."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.path == "/hangs":
            self.server.hanging.wait(60)  # type: ignore[attr-defined]
            self.close_connection = True
        elif self.path == "/cut-short":
            self._start(200, 10)
            self.wfile.write(b"12345")
            self.close_connection = True
        else:
            self._start(200, 0)

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        if self.path == "/refuses":
            self._start(413, 3)
            self.wfile.write(b"big")
            self.close_connection = True
            return
        body = self.rfile.read(size)
        self._start(200, size)
        self.wfile.write(body)

    def _start(self, status: int, size: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(size))
        self.end_headers()


class Local(Container):
    """A container whose programs run here, each with the limits of one."""

    ended = False

    def execute(self, arguments: list[str], errors: IO[bytes]) -> "subprocess.Popen[bytes]":
        pipe = subprocess.PIPE
        program = self.name if arguments[0] == "python3" else "/no/such/program"
        limited = ["sh", "-c", f'ulimit -v {MOST >> 10} && exec "$0" "$@"', program, *arguments[1:]]
        return subprocess.Popen(limited, stdin=pipe, stdout=pipe, stderr=errors)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    socketserver.TCPServer.allow_reuse_address = True
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        server.hanging = threading.Event()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.hanging.set()  # type: ignore[attr-defined]
        server.shutdown()


@pytest.fixture
def probe(port: int) -> Iterator[Probe]:
    with Probe(Local("none", sys.executable), port) as made:
        yield made


def test_bodies_pass_the_program_in_pieces(probe: Probe) -> None:
    body = bytes(range(256)) * (BODY // 256)
    answer = probe.http("POST", "/echo", body=body, seconds=60)
    assert answer.status == 200
    assert answer.headers["content-length"] == str(BODY)
    assert answer.body == body


def test_a_server_that_takes_no_more_of_a_body_is_heard_all_the_same(probe: Probe) -> None:
    answer = probe.http("POST", "/refuses", body=bytes(BODY), seconds=60)
    assert (answer.status, answer.body) == (413, b"big")
    assert probe.http("GET", "/", seconds=30).status == 200


def test_an_answer_that_is_cut_short_is_none(probe: Probe) -> None:
    with pytest.raises(ProbeError, match="IncompleteRead"):
        probe.http("GET", "/cut-short", seconds=30)
    assert probe.http("GET", "/", seconds=30).status == 200


def test_a_server_that_hangs_is_given_up_in_time_and_asked_again(probe: Probe) -> None:
    started = time.monotonic()
    with pytest.raises(ProbeError, match="timed out"):
        probe.http("GET", "/hangs", seconds=0.5)
    assert time.monotonic() - started < 30
    assert probe.http("GET", "/", seconds=30).status == 200


def test_a_program_that_ends_is_noticed_at_once_and_started_again(probe: Probe) -> None:
    started = time.monotonic()
    threading.Timer(0.3, probe._program._process.kill).start()
    with pytest.raises(ProbeError, match="the probe in the container ended"):
        probe.http("GET", "/hangs", seconds=900)
    assert time.monotonic() - started < 30
    assert probe.memory() > 0


def test_without_python_the_engines_own_words_are_told(port: int) -> None:
    with pytest.raises(ProbeError, match=r"no Python in the container to look at it with: .*not found"):
        Probe(Local("none", "/no/such/python"), port)
