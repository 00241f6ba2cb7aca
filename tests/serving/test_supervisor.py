"""Workers that fail: what the client, the log and the health check say, and that the next request works."""

import itertools
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import httpx
import pytest

from tests.serving.conftest import SITE, Launcher, alive, descriptors, error_of, resident_bytes, wait_until
from tests.timing import least, seconds_of

FAILING = """
    import ctypes, os, signal, subprocess, sys

    def model_fn(model_dir):
        return os.getpid()

    def input_fn(body, content_type):
        return body

    def predict_fn(data, pid):
        match data:
            case "exit":
                os._exit(7)
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "segfault":
                ctypes.string_at(0)
            case "hang":
                print("hanging")
                signal.pause()
            case "fork and exit":
                if os.fork() == 0:
                    signal.pause()  # holds the socket open
                os._exit(7)
            case "child":
                child = subprocess.Popen(["sleep", "600"])
                print("child", child.pid)
                signal.pause()
            case "daemon":
                subprocess.run(["sh", "-c", "setsid sleep 600 & echo daemon $!"])
            case "hold the GIL":
                print("holding")
                ctypes.PyDLL(None).usleep(1_500_000)
        return pid

    def output_fn(prediction, accept):
        return str(prediction)
"""


@pytest.mark.parametrize(
    ("request_", "cause"),
    [
        ("exit", "ended with exit code 7"),
        ("kill", "was killed by SIGKILL"),
        ("segfault", "was killed by SIGSEGV"),
        ("fork and exit", "ended with exit code 7"),
    ],
)
def test_a_worker_that_dies_fails_its_request_at_once_and_the_next_one_works(
    launch: Launcher, request_: str, cause: str
) -> None:
    server = launch(FAILING).ready()

    def death() -> float:
        first = server.post("work").text
        start = time.monotonic()
        response = server.post(request_, x_amzn_sagemaker_inference_id="an-id")
        took = time.monotonic() - start
        assert error_of(response) == (500, "worker_died", f"the worker process {cause} while it ran the request")
        assert server.post("work").text not in {first, ""}
        return took

    assert least(death, limit=1) < 1
    assert server.record("worker_exited")["message"] == f"the worker {cause}"
    assert server.record("request", inference_id="an-id")["outcome"] == "worker_died"


def test_health_is_refused_while_a_worker_is_replaced(launch: Launcher, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    server = launch(f"""
        import os

        def model_fn(model_dir):
            print("loading the model")
            open({str(gate)!r}).close()  # waits for the other side

        def transform_fn(model, body, content_type, accept):
            if body == "exit":
                os._exit(1)
            return "fine"
    """)
    server.record("output", message="loading the model")
    assert (server.ping().status_code, server.ping().json()) == (503, {"status": "loading"})
    assert error_of(server.post("early")) == (503, "loading", "the server is loading: the model is not loaded yet")
    gate.open("w").close()
    server.ready()
    assert server.ping().status_code == 200
    assert server.post("exit").status_code == 500
    assert server.ping().status_code == 503
    waiting = server.post_later("work")
    server.record("output", message="loading the model", count=2)
    assert server.ping().json() == {"status": "loading"}
    gate.open("w").close()
    assert waiting.result().text == "fine"
    assert server.ping().status_code == 200


def test_a_worker_killed_between_requests_is_replaced(launch: Launcher) -> None:
    server = launch(FAILING).ready()
    os.kill(server.worker(), signal.SIGKILL)
    server.record("worker_exited", state="ready")
    server.record("ready", count=2)
    assert server.post("work").text == str(server.worker(2))


def test_a_server_whose_workers_keep_dying_ends_with_the_cause(launch: Launcher) -> None:
    server = launch(FAILING).ready()
    for number in range(1, 4):
        assert server.post("kill").status_code == 500
        server.record("ready", count=number + 1)
    assert server.post("kill").status_code == 500
    assert server.wait() == 1
    assert server.stderr.endswith(
        "serve: the worker process was killed by SIGKILL; it died 4 times without an answer in between\n"
    )
    assert len(server.workers()) == 4


def test_the_requests_of_other_workers_are_told_why_the_server_ends(launch: Launcher) -> None:
    server = launch(FAILING, SAGEMAKER_MODEL_SERVER_WORKERS="2")
    server.record("ready", count=2)
    running = server.post_later("hang")
    server.record("output", message="hanging")
    for number in range(1, 5):
        assert server.post("kill").status_code == 500
        if number < 4:
            server.record("ready", count=2 + number)
    cause = "the worker process was killed by SIGKILL; it died 4 times without an answer in between"
    assert error_of(running.result()) == (503, "failed", f"the server failed: {cause}")
    assert server.wait() == 1
    assert server.stderr == f"serve: {cause}\n"


def test_an_answer_in_between_forgives_the_deaths_before(launch: Launcher) -> None:
    server = launch(FAILING).ready()
    for _ in range(5):
        assert server.post("exit").status_code == 500
        assert server.post("work").status_code == 200


def test_a_request_that_hangs_is_ended_at_its_timeout_which_the_answer_names(launch: Launcher) -> None:
    server = launch(FAILING, SAGEMAKER_MODEL_SERVER_TIMEOUT="1").ready()
    workers = itertools.count(2)

    def hang() -> None:
        assert error_of(server.post("hang")) == (
            504,
            "timeout",
            "the handler did not answer within the 1 seconds that SAGEMAKER_MODEL_SERVER_TIMEOUT allows",
        )

    def timeout() -> float:
        took, number = seconds_of(hang), next(workers)
        server.record("ready", count=number)
        assert server.post("work").text == str(server.worker(number))
        return took

    assert 1 <= least(timeout, limit=2) < 2
    assert "toolkit reads minutes" in server.record("setting")["message"]


def test_timeouts_replace_the_worker_however_often(launch: Launcher) -> None:
    server = launch(FAILING, SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS="1").ready()
    for number in range(1, 5):
        assert server.post("hang").status_code == 504
        server.record("ready", count=1 + number)
    assert server.post("work").status_code == 200


def test_a_worker_takes_the_processes_it_started_with_it(launch: Launcher) -> None:
    server = launch(FAILING, SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS="3").ready()
    assert server.post("child").status_code == 504
    child = int(server.record("output")["message"].removeprefix("child "))
    wait_until(lambda: not alive(child), "the child has ended")
    assert server.post("work").status_code == 200


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of processes whose parents are gone")
@pytest.mark.parametrize("request_", ["work", "exit"])
def test_processes_in_sessions_of_their_own_end_with_the_server(launch: Launcher, request_: str) -> None:
    server = launch(FAILING).ready()
    assert server.post("daemon").status_code == 200
    daemon = int(server.record("output")["message"].removeprefix("daemon "))
    server.post(request_)
    assert server.post("work").status_code == 200
    assert alive(daemon)
    server.terminate()
    assert server.wait() == 0
    assert not alive(daemon)


def delays_during(running: "Future[httpx.Response]", ping: Callable[[], object]) -> list[float]:
    """The seconds that each `ping` took, one after the other, while a request ran."""
    delays: list[float] = []
    while not running.done():
        delays.append(seconds_of(ping))
    return delays


def test_health_is_answered_while_the_handler_holds_the_interpreter(launch: Launcher) -> None:
    server = launch(FAILING).ready()
    requests = itertools.count(1)

    def ping() -> None:
        assert server.ping().status_code == 200

    def slowest() -> float:
        running = server.post_later("hold the GIL")
        server.record("output", message="holding", count=next(requests))
        delays = delays_during(running, ping)
        assert running.result().text == str(server.worker())
        return max(delays) if len(delays) > 100 else math.inf

    assert least(slowest, limit=0.25) < 0.25


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a worker in the midst of a call")
def test_a_worker_ends_with_a_server_that_is_killed(launch: Launcher) -> None:
    server = launch(FAILING).ready()
    server.post_later("hang")
    server.record("output", message="hanging")
    server.process.kill()
    wait_until(lambda: not alive(server.worker()), "the worker has ended")


def test_an_idle_worker_ends_with_a_server_that_is_killed(launch: Launcher) -> None:
    server = launch(FAILING).ready()
    server.process.kill()
    wait_until(lambda: not alive(server.worker()), "the worker has ended")


def test_a_thousand_requests_leave_no_descriptors_and_no_files(launch: Launcher, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    server = launch(FAILING, TMPDIR=str(spool)).ready()
    server.post("x" * 1_100_000, content_type="image/png")
    before = descriptors(*server.pids)
    for number in range(1000):
        server.post("x" * 1_100_000 if number % 50 == 0 else "work", content_type="image/png")
    assert descriptors(*server.pids) == before
    assert list(spool.iterdir()) == []


def test_a_worker_that_cannot_be_started_again_ends_the_server_with_the_cause(launch: Launcher, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    server = launch(FAILING, python=str(python), PYTHONPATH=SITE).ready()
    python.unlink()
    waiting = server.post_later("kill")
    assert error_of(waiting.result())[:2] == (500, "worker_died")
    assert server.wait() == 1
    assert len(server.records("worker_not_started")) == 3
    assert "a worker process cannot be started: No such file or directory" in server.stderr


def test_a_first_worker_that_cannot_be_started_ends_the_server_with_the_cause(launch: Launcher) -> None:
    program = "import sys; from serving import __main__; sys.executable = '/missing'; sys.exit(__main__.main())"
    server = launch(FAILING, program=("-c", program))
    assert server.wait() == 1
    assert server.stderr == "serve: a worker process cannot be started: No such file or directory\n"
    assert server.record("failed")["message"] == "a worker process cannot be started: No such file or directory"


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process's descriptors")
def test_a_worker_is_started_once_there_is_room_for_it(launch: Launcher) -> None:
    server = launch(FAILING).ready()
    assert server.post("work").status_code == 200
    pid, before = server.process.pid, descriptors(server.process.pid)
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (before[0], limits[1]))
    os.kill(server.workers()[0], signal.SIGKILL)
    server.record("worker_not_started")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    server.record("ready", count=2)
    assert server.post("work").text == str(server.workers()[1])
    wait_until(lambda: descriptors(pid) == before, "what was opened in vain is closed")


PRINTING = """
    import os, time

    def model_fn(model_dir):
        pass

    def transform_fn(model, body, content_type, accept):
        if not body:
            return body
        if body == "child":
            if os.fork() == 0:
                os.setsid()
            else:
                print("child has left")
                os._exit(3)
        if body == "many":
            for number in range(100_000):
                print("line", number)
            return "done"
        end = time.monotonic() + 3
        while time.monotonic() < end:
            print("a line of the handler's, as many as the pipe takes")
        if body == "child":
            os._exit(0)
        return "done"
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
@pytest.mark.parametrize("request_", ["itself", "child"])
def test_a_handler_that_prints_without_end_keeps_neither_health_nor_memory(launch: Launcher, request_: str) -> None:
    server = launch(PRINTING).ready()
    before = resident_bytes(server.process.pid)

    def slowest() -> float:
        assert server.post(b"", "image/png").status_code == 200  # forgives the deaths before it
        running = server.post_later(request_)
        server.record("output")
        delays = delays_during(running, server.ping)
        assert running.result().status_code == (500 if request_ == "child" else 200)
        return max(delays, default=0.0)

    assert least(slowest, limit=0.25) < 0.25
    assert resident_bytes(server.process.pid, peak=True) - before < 10_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_while_nobody_reads_the_log_health_is_answered_and_no_line_is_lost(launch: Launcher) -> None:
    server = launch(PRINTING).ready()
    assert server.ping().status_code == 200
    before = resident_bytes(server.process.pid)
    with server.log_unread():
        running = server.post_later("many")
        for _ in range(1000):
            assert server.ping().status_code == 200
        assert not running.done()
        assert resident_bytes(server.process.pid, peak=True) - before < 10_000_000
    assert running.result().text == "done"
    server.record("request")
    assert [line["message"] for line in server.records("output")] == [f"line {number}" for number in range(100_000)]


def test_the_server_goes_on_when_whoever_read_the_log_is_gone(launch: Launcher) -> None:
    server = launch(PRINTING, prefix=("bash", "-c", 'exec "$@" > >(head -n 3)', "bash")).ready()
    for _ in range(3):
        assert server.post(b"", "image/png").status_code == 200
        assert server.ping().status_code == 200


def test_records_are_lost_and_counted_while_nobody_reads_the_log_for_long(launch: Launcher) -> None:
    program = "import sys; from serving import __main__, logs; logs._MOST_BYTES = 1 << 20; sys.exit(__main__.main())"
    server = launch(PRINTING, program=("-c", program)).ready()
    with server.log_unread():
        for number in range(4000):
            server.post(b"", "image/png", x_amzn_sagemaker_inference_id="x" * 250 + f"-{number}")
    lost = int(server.record("log_lost")["message"].partition(" ")[0])
    assert 0 < lost < 4000
    server.terminate()
    server.wait()
    assert len(server.records("request")) == 4000 - lost
