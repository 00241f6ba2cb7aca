"""The server's beginning and end."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.serving.conftest import SITE, Launcher, Server, alive, error_of, wait_until
from tests.timing import least, quickest, seconds_of

SLOW = """
    import signal, sys

    def model_fn(model_dir):
        return None

    def transform_fn(model, body, content_type, accept):
        if body == "wait":
            print("waiting")
            signal.sigwait([signal.SIGUSR1])
        elif body == "hang":
            print("waiting")
            signal.pause()
        return "done"

    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
"""


@pytest.mark.parametrize(
    ("handler", "cause", "trace"),
    [
        (
            "def model_fn(model_dir):\n    raise ValueError('no weights')\n\ndef predict_fn(data, model): pass\n",
            "ValueError: no weights",
            "in model_fn",
        ),
        ("import nothing_of_this_name\n", "ModuleNotFoundError: No module named 'nothing_of_this_name'", "line 1"),
        ("def model_fn(:\n", "SyntaxError: invalid syntax", "def model_fn(:"),
        ("import sys\nsys.exit(0)\n", "SystemExit: 0", "sys.exit(0)"),
        ("import os\nos._exit(0)\n", "the worker process ended with exit code 0 while it was loading", ""),
        ("import os\nos.kill(os.getpid(), 9)\n", "the worker process was killed by SIGKILL while it was loading", ""),
    ],
)
def test_a_model_that_cannot_be_loaded_ends_the_server_with_the_cause_in_the_last_line(
    launch: Launcher, handler: str, cause: str, trace: str
) -> None:
    servers: list[Server] = []

    def end() -> None:
        servers.append(launch(handler))
        assert servers[-1].wait() == 1

    assert quickest(end, limit=3) < 3
    server = servers[-1]
    assert server.stderr.splitlines()[-1].startswith(f"serve: {cause}")
    assert trace in server.stderr
    assert "serving/" not in server.stderr
    assert server.record("failed")["message"].startswith(cause)
    assert len(server.workers()) == 1


def test_a_missing_handler_ends_the_server_with_the_folders_searched(launch: Launcher) -> None:
    server = launch()
    assert server.wait() == 1
    assert server.stderr == f"serve: the handler inference.py is missing; searched: {launch.code}\n"


def test_an_incomplete_handler_ends_the_server_with_the_functions_found(launch: Launcher) -> None:
    server = launch("def model_fn(model_dir): pass\ndef input_fn(body, content_type): pass\n")
    assert server.wait() == 1
    assert "incomplete: predict_fn (or transform_fn) missing; functions found in" in server.stderr
    assert server.stderr.endswith(": model_fn, input_fn\n")


def test_requirements_that_are_not_installed_end_the_server(launch: Launcher) -> None:
    launch.write("no-such-package==1.0\n", "requirements.txt")
    server = launch(SLOW)
    assert server.wait() == 1
    assert "no-such-package==1.0 is not installed" in server.stderr


def test_a_missing_model_ends_the_server(launch: Launcher, tmp_path: Path) -> None:
    server = launch(SAGEMAKER_BASE_DIR=str(tmp_path / "missing"))
    assert server.wait() == 1
    assert (
        server.stderr
        == f"serve: the model's folder {tmp_path}/missing/model cannot be entered: No such file or directory\n"
    )


def test_settings_that_are_not_allowed_end_the_server_with_a_sentence_each(launch: Launcher) -> None:
    server = launch(SAGEMAKER_BIND_TO_PORT="http", SAGEMAKER_MODEL_SERVER_TIMEOUT="5m")
    assert server.wait() == 2
    assert server.stderr.splitlines() == [
        "serve: SAGEMAKER_MODEL_SERVER_TIMEOUT='5m' is not allowed: a whole number from 1 to 86400",
        "serve: SAGEMAKER_BIND_TO_PORT='http' is not allowed: a whole number from 0 to 65535",
    ]


def test_a_port_that_is_taken_ends_the_server(launch: Launcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = launch(SLOW, SAGEMAKER_BIND_TO_PORT=str(port))
        assert server.wait() == 1
    assert server.stderr.startswith("serve: cannot listen on SAGEMAKER_BIND_TO_HOST=127.0.0.1 SAGEMAKER_BIND_TO_PORT=")
    assert "Address already in use" in server.stderr


def stop(server: Server) -> None:
    """Tell a server to end, and wait until it has."""
    server.terminate()
    assert server.wait() == 0


def test_an_idle_server_stops_at_once_when_told_to(launch: Launcher) -> None:
    def end() -> float:
        server = launch(SLOW).ready()
        assert server.ping().status_code == 200
        took = seconds_of(lambda: stop(server))
        assert server.stderr == ""
        assert not alive(server.worker())
        return took

    assert least(end, limit=2) < 2


def test_a_server_that_is_still_loading_stops_at_once_when_told_to(launch: Launcher) -> None:
    def end() -> float:
        server = launch("import signal\nprint('loading')\nsignal.pause()\n")
        server.record("output", message="loading")
        return seconds_of(lambda: stop(server))

    assert least(end, limit=3) < 3


def test_a_running_request_is_finished_before_the_server_stops(launch: Launcher) -> None:
    server = launch(SLOW).ready()
    running = server.post_later("wait")
    server.record("output", message="waiting")
    server.terminate()
    server.record("draining")
    port = server.record("listening")["port"]
    wait_until(lambda: refuses(port), "no more connections are accepted")
    os.kill(server.worker(), signal.SIGUSR1)
    assert (running.result().status_code, running.result().text) == (200, "done")
    assert server.wait() == 0


def test_a_request_that_waits_for_a_worker_that_dies_while_the_server_stops_is_failed_with_that_reason(
    launch: Launcher,
) -> None:
    server = launch(SLOW, SAGEMAKER_MAX_CONCURRENT_INVOCATIONS="2").ready()
    running = server.post_later("hang")
    server.record("output", message="waiting")
    waiting = server.post_later("x")
    wait_until(lambda: server.ping().json() == {"status": "busy"}, "both slots are taken")
    server.terminate()
    server.record("draining")
    os.kill(server.worker(), signal.SIGKILL)
    assert error_of(running.result())[:2] == (500, "worker_died")
    reason = "the server is shutting down, and its last worker has ended"
    assert error_of(waiting.result()) == (503, "draining", reason)
    assert server.wait() == 0


def test_a_request_that_outlasts_the_grace_is_failed_with_the_reason(launch: Launcher) -> None:
    def end() -> float:
        server = launch(SLOW, SAGEMAKER_SHUTDOWN_GRACE_SECONDS="1").ready()
        running = server.post_later("hang")
        server.record("output", message="waiting")
        took = seconds_of(lambda: stop(server))
        status, code, message = error_of(running.result())
        assert (status, code) == (503, "draining")
        assert "not done within the 1 seconds that SAGEMAKER_SHUTDOWN_GRACE_SECONDS allows" in message
        return took

    assert least(end, limit=4) < 4


def test_a_request_whose_body_does_not_arrive_within_the_grace_is_failed_with_the_reason(launch: Launcher) -> None:
    server = launch(SLOW, SAGEMAKER_SHUTDOWN_GRACE_SECONDS="1").ready()
    with socket.create_connection(("127.0.0.1", server.record("listening")["port"]), timeout=20) as connection:
        connection.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nha")
        wait_until(lambda: server.ping().json() == {"status": "busy"}, "the slot is taken")
        server.terminate()
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"not done within the 1 seconds that SAGEMAKER_SHUTDOWN_GRACE_SECONDS allows" in answer
    assert server.wait() == 0
    assert server.record("request")["outcome"] == "draining"


def test_with_the_default_grace_the_server_has_ended_well_before_it_is_killed(launch: Launcher) -> None:
    server = launch(SLOW).ready()
    with socket.create_connection(("127.0.0.1", server.record("listening")["port"]), timeout=30) as connection:
        connection.sendall(
            b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 4\r\n\r\nhang"
        )
        server.record("output", message="waiting")
        start = time.monotonic()
        server.terminate()
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"within the 20 seconds" in answer
    assert server.wait() == 0
    assert time.monotonic() - start < 25


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


ADOPTED = """
    import os, signal

    def model_fn(model_dir):
        return None

    def transform_fn(model, body, content_type, accept):
        if (child := os.fork()) == 0:
            os.setsid()
            if os.fork() == 0:
                signal.signal(signal.SIGALRM, lambda *_: None if os.getppid() != 1 else (print("adopted"), os._exit(0)))
                signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
                while True:
                    signal.pause()
            os._exit(0)
        os.waitpid(child, 0)
        return "done"
"""


def may_unshare() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "--pid", "--fork", "true"], check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not may_unshare(), reason="needs the right to make a process namespace")
def test_as_process_1_it_stops_when_told_to_and_leaves_no_zombies(launch: Launcher) -> None:
    server = launch(ADOPTED, prefix=("unshare", "--pid", "--fork", "--mount-proc")).ready()
    unshare = server.process.pid
    (pid,) = map(int, Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split())
    assert server.post("x").text == "done"
    server.record("output")
    wait_until(lambda: len(children(pid)) == 1, "only the worker is left")
    os.kill(pid, signal.SIGTERM)
    assert server.wait() == 0
    server.workers = list  # type: ignore[method-assign]  # their ids mean other processes outside the namespace


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_the_server_itself_does_not_import_the_users_code(launch: Launcher) -> None:
    server = launch(
        "import os\n\ndef model_fn(model_dir): return os.getpid()\ndef predict_fn(data, model): return model\n"
    )
    assert server.ready().post().json() not in {server.process.pid, None}


def test_it_serves_without_the_compiled_event_loop_and_parser(launch: Launcher, tmp_path: Path) -> None:
    for name in ("uvloop", "httptools"):
        (tmp_path / f"{name}.py").write_text("raise ImportError")
    server = launch(SLOW, PYTHONPATH=str(tmp_path)).ready()
    assert server.post("x").text == "done"
    assert server.post("x" * 3_000_000).text == "done"
    assert server.post("x", x_rather_large="x" * 60_000).text == "done"
    assert error_of(server.post("x", x_too_large="x" * 5_000_000))[:2] == (431, "request_header_fields_too_large")
    with socket.create_connection(("127.0.0.1", server.record("listening")["port"]), timeout=20) as connection:
        connection.sendall(
            b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 1100000\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n3d0900\r\n" + bytes(4_000_000) + b"\r\n0\r\n\r\n"
        )
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    os.kill(server.worker(), signal.SIGKILL)
    server.record("ready", count=2)
    assert server.post("x").text == "done"
    server.terminate()
    assert server.wait() == 0


def test_help_has_an_example_and_every_setting() -> None:
    result = subprocess.run([sys.executable, "-m", "serving", "--help"], check=True, capture_output=True, text=True)
    assert "example:" in result.stdout
    assert "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS" in result.stdout


@pytest.mark.parametrize("arguments", [["train"], ["serve", "--port", "1"]])
def test_other_arguments_are_refused(arguments: list[str]) -> None:
    result = subprocess.run([sys.executable, "-m", "serving", *arguments], check=False, capture_output=True, text=True)
    assert result.returncode == 2
    assert "usage: serve" in result.stderr


def test_the_console_script_is_the_same_program() -> None:
    script = Path(sys.executable).with_name("serve")
    result = subprocess.run([script, "--help"], check=True, capture_output=True, text=True)
    assert result.stdout.startswith("usage: serve")


NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")


def nobodys_python() -> str | None:
    """An interpreter that a user without rights may run, with the server's packages: a private one may be closed."""
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        command = [*NOBODY, "/bin/sh", "-c", '"$0" -c "import serving.server, uvloop"', python]
        environ = {"PYTHONPATH": SITE, "PATH": os.environ["PATH"]}
        if (
            shutil.which(NOBODY[0])
            and not subprocess.run(command, check=False, capture_output=True, env=environ).returncode
        ):
            return python
    return None


@pytest.mark.skipif(nobodys_python() is None, reason="needs root, and a Python that others may run")
def test_it_runs_as_a_user_without_rights_whose_model_it_cannot_write() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        folder = Path(name)
        folder.chmod(0o755)
        launcher = Launcher(folder)
        launcher.model.chmod(0o555)
        server = launcher(
            """
            import os

            def model_fn(model_dir):
                return os.getuid(), os.access(model_dir, os.W_OK)

            def transform_fn(model, body, content_type, accept):
                return body if len(body) > 10 else repr(model)
            """,
            prefix=NOBODY,
            python=nobodys_python(),
            PYTHONPATH=SITE,
        )
        try:
            assert server.ready().post("x").text == "(65534, False)"
            assert server.post("x" * 2_000_000).text == "x" * 2_000_000
            server.terminate()
            assert server.wait() == 0
        finally:
            launcher.close()
