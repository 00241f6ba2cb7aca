"""The benchmark's clients, against the server that they measure."""

import importlib
from pathlib import Path
from typing import Any

import pytest

from tests.serving.conftest import Launcher

SLOW_ECHO = """
    import time
    def model_fn(model_dir):
        return None
    def transform_fn(model, body, content_type, accept):
        time.sleep(0.02)
        return body, content_type
"""


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    return importlib.import_module("servers.load")


def test_no_request_of_one_turn_takes_the_place_of_one_of_the_next(launch: Launcher, load: Any) -> None:
    server = launch(SLOW_ECHO, SAGEMAKER_MAX_CONCURRENT_INVOCATIONS="8").ready()
    port = server.record("listening")["port"]
    message = load.request(bytes(1024), "application/octet-stream")
    for _ in range(2):
        load.press(port, message, clients=8, seconds=0.3)
    server.terminate()
    assert server.wait() == 0
    assert len(server.records("request")) >= 16
    assert len(server.records("request", outcome="ok")) == len(server.records("request"))
