"""The checks of a running container, with a server of this machine in its place."""

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from glue.engines import Engine
from glue.imagechecks import exercise, judging
from glue.imagechecks.exercise import Exercise, Patience
from glue.imagechecks.probe import Answer, Probe, ProbeError
from glue.progress import Silent
from glue.workloads import ContainerNeeds
from glue.workloads.golden import Expectation, GoldenCase, Request
from tests.unit.imagechecks.test_judging import an_image
from tests.unit.imagechecks.test_probe import Local


class Blocking(BaseHTTPRequestHandler):
    """Answers nobody while it predicts, which takes a little longer than until `predicted`."""

    predicted = threading.Event()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.predicted.wait(60)
        threading.Event().wait(0.3)  # long enough for whoever does not wait to go on
        self.do_GET()


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Blocking) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        Blocking.predicted.set()
        server.shutdown()


class GivingUp(Probe):
    """A probe after which, once it got no answer, the prediction ends."""

    def http(self, *arguments: Any, **named: Any) -> Answer:
        try:
            return super().http(*arguments, **named)
        except ProbeError:
            Blocking.predicted.set()
            raise


def test_a_request_during_which_health_is_not_answered_is_over_before_the_next_check(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "PING_SECONDS", 0.05)
    monkeypatch.setattr(exercise, "Probe", GivingUp)
    (tmp_path / "request").write_bytes(b"{}")
    request, expect = Request(file="request", content_type="application/json"), Expectation(outcome="success")
    case = GoldenCase(name="one", description="one", request=request, expect=expect, file=tmp_path / "request")
    container = Local("none", sys.executable)
    with ExitStack() as resources, Probe(container, port) as probe:
        engine, needs = Engine("docker", "/no/such/docker"), ContainerNeeds()
        checks = Exercise(engine, an_image(), needs, [case], None, Patience(observe=1), Silent(), resources)
        checks._container, checks._probe = container, probe
        with pytest.raises(ProbeError, match="timed out"):
            checks._ping_while_predicting()
        assert probe.memory() > 0
