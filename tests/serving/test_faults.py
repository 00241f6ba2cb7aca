"""Workers killed at each point of a request: what the client is told, that health tells the truth, that nothing leaks.

The faults are put into the worker by its handler, which shares the process with the worker's own code.
"""

import itertools
import os
import signal
import socket
import threading
import time
from pathlib import Path

import httpx
import pytest

from serving import files
from tests.serving.conftest import Launcher, Server, descriptors, error_of, wait_until
from tests.timing import least

FAULTY = """
    import gc, os, signal, socket
    import __main__ as worker
    from serving import payloads

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    point = None

    def at(name):
        if point == name:
            die()

    def around(module, name, before, after):
        original = getattr(module, name)
        def wrapped(*arguments):
            if before: at(before)
            result = original(*arguments)
            if after: at(after)
            return result
        setattr(module, name, wrapped)

    class Torn:
        def __init__(self, sock):
            self._sock = sock
        def __getattr__(self, name):
            return getattr(self._sock, name)
        def sendall(self, data):
            at("before the reply")
            if point == "within the reply's lengths":
                self._sock.sendall(data[:5])
                die()
            if point == "within the reply":
                self._sock.sendall(data[:-3])
                die()
            self._sock.sendall(data)
            at("after the reply")

    def model_fn(model_dir):
        around(socket, "send_fds", "before the reply", "after the reply")
        around(payloads, "store", "before the result is stored", "after the result is stored")
        channel = next(o for o in gc.get_objects() if isinstance(o, worker.Channel))
        channel._sock = Torn(channel._sock)

    def input_fn(body, content_type):
        global point
        point = body.decode().strip()
        at("in input_fn")
        return body

    def predict_fn(data, model):
        at("in predict_fn")
        return data

    def output_fn(prediction, accept):
        at("in output_fn")
        return prediction, "text/plain"
"""
BEFORE_THE_REPLY = (
    "in input_fn",
    "in predict_fn",
    "in output_fn",
    "before the result is stored",
    "after the result is stored",
    "before the reply",
)
WITHIN_THE_REPLY = ("within the reply's lengths", "within the reply")
SMALL, LARGE = 1000, 3_000_000
"""Bodies that travel in a frame, and beside one as a file."""


@pytest.fixture
def faulty(launch: Launcher) -> Server:
    return launch(FAULTY).ready()


def serves(server: Server, size: int = 10) -> None:
    """Health says that requests are served, and they are."""
    body = b"fine".ljust(size)
    assert server.post(body, "application/octet-stream").content == body
    assert server.ping().status_code == 200


@pytest.mark.parametrize(("size", "points"), [(SMALL, BEFORE_THE_REPLY + WITHIN_THE_REPLY), (LARGE, BEFORE_THE_REPLY)])
def test_wherever_a_worker_dies_its_request_fails_at_once_and_the_next_is_served(
    faulty: Server, size: int, points: tuple[str, ...]
) -> None:
    serves(faulty, size)
    before = descriptors(faulty.process.pid)
    deaths = itertools.count(1)
    for point in points:

        def death(point: str = point) -> float:
            start = time.monotonic()
            response = faulty.post(point.encode().ljust(size), "application/octet-stream")
            took = time.monotonic() - start
            assert error_of(response)[:2] == (500, "worker_died"), point
            assert "killed by SIGKILL" in response.text
            faulty.record("worker_exited", count=next(deaths))
            serves(faulty, size)
            return took

        assert least(death, limit=1) < 1, point
    assert descriptors(faulty.process.pid) == before


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_worker_that_dies_after_its_reply_has_replied(faulty: Server, size: int) -> None:
    body = b"after the reply".ljust(size)
    response = faulty.post(body, "application/octet-stream")
    faulty.record("worker_exited")
    assert response.content == body
    serves(faulty)


def test_a_worker_that_dies_with_a_request_not_yet_taken_fails_it(faulty: Server) -> None:
    pid = faulty.worker()
    os.kill(pid, signal.SIGSTOP)
    waiting = faulty.post_later(b"fine")
    wait_until(lambda: faulty.ping().json() == {"status": "busy"}, "the request is with the worker")
    os.kill(pid, signal.SIGKILL)
    assert error_of(waiting.result())[:2] == (500, "worker_died")
    serves(faulty)


def test_health_is_refused_from_a_workers_death_until_another_is_ready(launch: Launcher, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    server = launch(f"""
        import os
        def model_fn(model_dir):
            if os.path.exists({str(gate)!r}):
                open({str(gate)!r}).close()
        def predict_fn(data, model):
            return data
    """).ready()
    os.mkfifo(gate)
    workers = itertools.count(1)

    def refusal() -> float:
        number = next(workers)
        start = time.monotonic()
        os.kill(server.worker(number), signal.SIGKILL)
        wait_until(lambda: server.ping().status_code == 503, "health is refused")
        took = time.monotonic() - start
        gate.open("w").close()
        server.record("ready", count=number + 1)
        assert server.ping().status_code == 200
        assert server.post("{}").status_code == 200  # forgives the death
        return took

    assert least(refusal, limit=1) < 1


QUICK = """
    import os
    def model_fn(model_dir):
        pass
    def predict_fn(data, model):
        if data.get("die"):
            os._exit(9)
        if data.get("print"):
            print(data["print"])
        return data
"""


def test_of_requests_sent_ahead_only_the_one_that_runs_fails_with_its_worker(launch: Launcher) -> None:
    server = launch(QUICK, SAGEMAKER_MAX_CONCURRENT_INVOCATIONS="8").ready()
    wrong: list[str] = []
    address = server.client.base_url

    def press(number: int) -> None:
        with httpx.Client(base_url=address, timeout=20) as client:
            for turn in range(100):
                response = client.post("/invocations", json={"number": number, "turn": turn})
                if response.status_code != 200 or response.json() != {"number": number, "turn": turn}:
                    wrong.append(response.text)

    threads = [threading.Thread(target=press, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        response = server.post('{"die": true}')
        assert error_of(response)[:2] == (500, "worker_died")
    for thread in threads:
        thread.join()
    assert wrong == []


def test_each_printed_line_has_the_id_of_its_own_inference_or_none(launch: Launcher) -> None:
    server = launch(QUICK, SAGEMAKER_MAX_CONCURRENT_INVOCATIONS="8").ready()
    client = server.client

    def press(number: int) -> None:
        for turn in range(50):
            name = f"{number}-{turn}"
            headers = {"x-amzn-sagemaker-inference-id": name, "content-type": "application/json"}
            client.post("/invocations", json={"print": name}, headers=headers)

    threads = [threading.Thread(target=press, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.record("output", count=300)
    lines = server.records("output")
    assert {line["message"] for line in lines} == {f"{number}-{turn}" for number in range(6) for turn in range(50)}
    named = [line for line in lines if "inference_id" in line]
    assert all(line["inference_id"] == line["message"] for line in named)
    assert len(named) > 250


def test_a_client_that_leaves_its_answer_half_taken_leaves_no_descriptor(faulty: Server) -> None:
    serves(faulty)
    before = descriptors(faulty.process.pid)
    body = b"fine".ljust(5_000_000)
    head = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n" % len(body)
    for number in range(20):
        with socket.create_connection(("127.0.0.1", faulty.record("listening")["port"])) as connection:
            connection.sendall(head + b"X-Amzn-SageMaker-Inference-Id: half-%d\r\n\r\n" % number + body)
            assert connection.recv(1000)
        faulty.record("request", inference_id=f"half-{number}")
    wait_until(
        lambda: descriptors(faulty.process.pid)[0] <= before[0] + 2 * files.SPARES,
        "the files of the answers are closed",
    )
    serves(faulty)
