"""What clients meet at the HTTP interface."""

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.serving.conftest import Launcher, Server, error_of, resident_bytes, wait_until

GATED = """
    import os

    def model_fn(model_dir):
        return os.path.join(model_dir, "gate")

    def transform_fn(gate, body, content_type, accept):
        if body == "wait":
            print("waiting")
            open(gate).close()  # until the test opens the other side
        return body or "empty", "text/plain"
"""


@pytest.fixture(scope="module")
def server(shared_launch: Launcher) -> Iterator[Server]:
    return shared_launch(GATED, TS_MAX_REQUEST_SIZE="2000000").ready()  # type: ignore[return-value]


HEAD = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"


def raw_connection(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.record("listening")["port"]), timeout=20)


def until_closed(connection: socket.socket) -> bytes:
    received = b""
    while data := connection.recv(65536):
        received += data
    return received


def test_a_ready_server_says_so(server: Server) -> None:
    response = server.ping()
    assert (response.status_code, response.json()) == (200, {"status": "ready"})
    assert response.headers["content-length"] == "18"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("POST", "/ping", 405, "method_not_allowed"),
        ("GET", "/invocations", 405, "method_not_allowed"),
    ],
)
def test_other_paths_and_methods_are_told_what_there_is(
    server: Server, method: str, path: str, status: int, code: str
) -> None:
    response = server.client.request(method, path)
    assert error_of(response)[:2] == (status, code)
    assert "POST /invocations" in response.text


def test_a_body_above_the_limit_is_refused_with_the_variable_that_sets_it(server: Server) -> None:
    status, code, message = error_of(server.post(b"x" * 2_000_001))
    assert (status, code) == (413, "payload_too_large")
    assert message == "the body of 2000001 bytes is larger than the 2000000 bytes that TS_MAX_REQUEST_SIZE allows"
    assert server.post("next").text == "next"


def test_a_client_that_asks_first_is_refused_before_it_sends(server: Server) -> None:
    with raw_connection(server) as connection:
        connection.sendall(
            b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 2000001\r\nExpect: 100-continue\r\n\r\n"
        )
        assert until_closed(connection).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_was_told_to_send_too_much_is_refused_once_it_has_sent(server: Server) -> None:
    head = b"POST /invocations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
    with raw_connection(server) as connection:
        connection.sendall(head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"%x\r\n" % 3_000_000 + bytes(2_100_000))
        wait_until(lambda: server.ping().json() == {"status": "ready"}, "its slot is free again")
        for _ in range(9):
            connection.sendall(bytes(100_000))
            assert server.ping().status_code == 200
        connection.sendall(b"\r\n0\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_length_may_have_any_number_of_digits(server: Server) -> None:
    with raw_connection(server) as connection:
        connection.sendall(HEAD + b"Connection: close\r\nContent-Length: " + b"0" * 5000 + b"3\r\n\r\nabc")
        assert until_closed(connection).endswith(b"\r\n\r\nabc")


def test_requests_sent_ahead_are_answered_wherever_they_are_cut(server: Server) -> None:
    body = b"x" * 100_000
    with raw_connection(server) as connection:
        server.process.send_signal(signal.SIGSTOP)  # so that all comes in one piece
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body + HEAD)
        server.process.send_signal(signal.SIGCONT)
        received = b""
        while not received.endswith(body):
            received += connection.recv(65536)
        connection.sendall(b"Connection: close\r\nContent-Length: 3\r\n\r\nabc")
        assert until_closed(connection).endswith(b"\r\n\r\nabc")


def test_a_body_of_unannounced_length_is_taken_up_to_the_limit(server: Server) -> None:
    def chunks(count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield b"x" * 100_000

    response = server.client.post("/invocations", content=chunks(20), headers={"content-type": "text/csv"})
    assert response.text == "x" * 2_000_000
    assert error_of(server.client.post("/invocations", content=chunks(21)))[:2] == (413, "payload_too_large")


def test_an_empty_body_is_a_body(server: Server) -> None:
    assert server.post(b"").text == "empty"


def test_what_is_not_http_is_refused_and_the_next_request_works(server: Server) -> None:
    with raw_connection(server) as connection:
        connection.sendall(b"\x00\x01\x02\r\n\r\n")
        assert until_closed(connection).startswith(b"HTTP/1.1 400 ")
    assert server.post("next").text == "next"


def test_a_client_that_leaves_while_it_sends_costs_nothing(server: Server) -> None:
    with raw_connection(server) as connection:
        connection.sendall(
            b"POST /invocations HTTP/1.1\r\nHost: x\r\nX-Amzn-SageMaker-Inference-Id: leaves-early\r\n"
            b"Content-Length: 100\r\n\r\nabc"
        )
    record = server.record("request", inference_id="leaves-early")
    assert record["outcome"] == "client_disconnected"
    assert "worker" not in record
    assert server.post("next").text == "next"


def test_a_client_that_stops_sending_gives_up_its_slot_at_the_timeout(launch: Launcher) -> None:
    server = launch(GATED, SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS="1").ready()
    with raw_connection(server) as connection:
        connection.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        answer = until_closed(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"within the 1 seconds that SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS allows" in answer
    assert server.post("next").text == "next"


def test_a_client_that_leaves_ends_its_request_and_the_next_one_works(launch: Launcher) -> None:
    server = launch(GATED).ready()
    gate = launch.model / "gate"
    os.mkfifo(gate)
    with raw_connection(server) as connection:
        connection.sendall(
            b"POST /invocations HTTP/1.1\r\nHost: x\r\nX-Amzn-SageMaker-Inference-Id: leaves\r\n"
            b"Content-Type: application/json\r\nContent-Length: 4\r\n\r\nwait"
        )
        server.record("output", message="waiting")
        assert server.ping().json() == {"status": "busy"}
    # The gate stays shut: only because nobody waits any more does the handler's request end.
    assert server.record("request", inference_id="leaves")["outcome"] == "client_disconnected"
    assert server.post("next").text == "next"
    assert [server.worker(), server.worker(2)] == server.workers()


def test_a_client_that_leaves_the_queue_is_not_served(launch: Launcher) -> None:
    server = launch(GATED, SAGEMAKER_MAX_CONCURRENT_INVOCATIONS="2").ready()
    gate = launch.model / "gate"
    os.mkfifo(gate)
    running = server.post_later("wait")
    server.record("output", message="waiting")
    with raw_connection(server) as connection:
        connection.sendall(
            b"POST /invocations HTTP/1.1\r\nHost: x\r\nX-Amzn-SageMaker-Inference-Id: leaves\r\n"
            b"Content-Type: application/json\r\nContent-Length: 4\r\n\r\nnext"
        )
        wait_until(lambda: server.ping().json() == {"status": "busy"}, "the request is queued")
    notices_who_left(server)
    gate.open("w").close()
    assert running.result().text == "wait"
    record = server.record("request", inference_id="leaves")
    assert record["outcome"] == "client_disconnected"
    assert "predict_ms" not in record
    assert server.post("next").text == "next"


def test_clients_that_leave_the_queue_leave_nothing_in_it(launch: Launcher) -> None:
    server = launch(GATED, SAGEMAKER_MAX_CONCURRENT_INVOCATIONS="11").ready()
    os.mkfifo(launch.model / "gate")
    running = server.post_later("wait")
    server.record("output", message="waiting")
    before = resident_bytes(server.process.pid)
    for number in range(1, 11):
        with contextlib.ExitStack() as leaving:
            for _ in range(10):
                connection = leaving.enter_context(raw_connection(server))
                connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n" + bytes(1_000_000))
            wait_until(lambda: server.ping().json() == {"status": "busy"}, "all slots are taken")
        server.record("request", outcome="client_disconnected", count=10 * number)
    assert resident_bytes(server.process.pid) - before < 30_000_000  # of 100 MB that were sent
    (launch.model / "gate").open("w").close()
    assert running.result().text == "wait"


def test_requests_beyond_the_slots_are_told_to_come_back(launch: Launcher) -> None:
    server = launch(GATED, SAGEMAKER_MAX_CONCURRENT_INVOCATIONS="2").ready()
    gate = launch.model / "gate"
    os.mkfifo(gate)
    running = server.post_later("wait", x_amzn_sagemaker_inference_id="running")
    server.record("output", message="waiting")
    assert server.ping().json() == {"status": "ready"}
    queued = server.post_later("queued", x_amzn_sagemaker_inference_id="queued")
    wait_until(lambda: server.ping().json() == {"status": "busy"}, "both slots are taken")
    assert server.ping().status_code == 200
    refused = server.post("x" * 300_000)
    assert error_of(refused) == (503, "busy", "all slots are taken: SAGEMAKER_MAX_CONCURRENT_INVOCATIONS is 2")
    assert refused.headers["retry-after"] == "1"
    with raw_connection(server) as connection:  # what follows might be the body or another request
        connection.sendall(HEAD + b"Content-Length: 20\r\nExpect: 100-continue\r\n\r\n")
        answer = until_closed(connection)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nconnection: close\r\n" in answer
    gate.open("w").close()
    assert running.result().text == "wait"
    assert queued.result().text == "queued"
    assert server.record("request", inference_id="queued")["queue_ms"] > 0
    assert server.post("next").text == "next"


def test_several_workers_run_several_requests_at_once(launch: Launcher) -> None:
    server = launch(GATED, SAGEMAKER_MODEL_SERVER_WORKERS="2")
    server.record("ready", count=2)
    os.mkfifo(launch.model / "gate")
    running = server.post_later("wait")
    server.record("output", message="waiting")
    assert server.post("meanwhile").text == "meanwhile"
    (launch.model / "gate").open("w").close()
    assert running.result().text == "wait"


def notices_who_left(server: Server) -> None:
    """Return when the server has seen that a client is gone, and its request is old enough for that to be asked."""
    start = time.monotonic()
    wait_until(lambda: server.ping().status_code == 200 and time.monotonic() - start > 0.2, "a while has passed")


@pytest.mark.parametrize(
    "head",
    [
        b"X-Large: " + b"x" * 5_000_000,
        b"\r\n".join(b"X-%d: %s" % (number, b"x" * 1000) for number in range(5000)),
        b"X-Just-Too-Large: " + b"x" * 66_000,
    ],
)
def test_headers_that_are_too_large_are_refused_and_cost_no_worker(server: Server, head: bytes) -> None:
    worker, before = server.workers()[-1], resident_bytes(server.process.pid)
    with raw_connection(server) as connection:
        connection.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\n" + head + b"\r\nContent-Length: 1\r\n\r\nx")
        answer = until_closed(connection)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"larger than the 65536 bytes that are allowed" in answer
    assert resident_bytes(server.process.pid, peak=True) - before < 4_000_000
    assert server.post("next", x_rather_large="x" * 60_000).text == "next"
    assert server.workers()[-1] == worker


IMPATIENT = """
import dataclasses, os, sys
from serving import server, settings
silence = float(os.environ["SILENCE"])
sys.exit(server.run(dataclasses.replace(settings.read(os.environ), client_silence=silence)))
"""


@pytest.fixture
def impatient(launch: Launcher) -> Server:
    """A server that gives silent clients up after half a second."""
    return launch(GATED, program=("-c", IMPATIENT), SILENCE="0.5").ready()


@pytest.fixture
def patient(launch: Launcher) -> Server:
    """One that gives them up after a time for which a busy machine does not stand still."""
    return launch(GATED, program=("-c", IMPATIENT), SILENCE="3").ready()


def test_a_client_that_falls_silent_in_its_body_gives_up_its_slot(impatient: Server) -> None:
    with raw_connection(impatient) as connection:
        connection.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        answer = until_closed(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"the client was silent for 0.5 seconds before the body was complete" in answer
    assert impatient.post("next").text == "next"


def test_a_client_that_sends_slowly_is_served(patient: Server) -> None:
    def slowly() -> Iterator[bytes]:
        end, pause = time.monotonic() + 4, threading.Event()
        while time.monotonic() < end:
            yield b"x"
            pause.wait(0.1)

    assert set(patient.client.post("/invocations", content=slowly()).text) == {"x"}


@pytest.mark.parametrize(
    "sent", [b"", b"POST /invoc", b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000]
)
def test_a_client_that_is_silent_between_requests_is_hung_up_on(impatient: Server, sent: bytes) -> None:
    assert impatient.ping().status_code == 200
    with raw_connection(impatient) as connection:
        connection.sendall(sent)
        until_closed(connection)

        def is_closed() -> bool:
            try:
                connection.send(b"x")
            except ConnectionError:
                return True
            return False

        wait_until(is_closed, "the server reads no more either")


def test_a_client_that_does_not_take_its_answer_is_hung_up_on(patient: Server) -> None:
    body = b"x" * 50_000_000
    with raw_connection(patient) as connection:
        connection.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        patient.record("request", outcome="client_disconnected")
    assert patient.post("next").text == "next"
