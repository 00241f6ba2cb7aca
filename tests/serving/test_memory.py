"""The server under a limit of memory that the kernel enforces, as a container has one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.conftest import Launcher, error_of

LIMIT = 200_000_000
HANDLER = """
    def model_fn(model_dir):
        pass

    def transform_fn(model, body, content_type, accept):
        if body == b"too much":
            body = bytearray(2_000_000_000)
            body[::4096] = b"x" * len(body[::4096])
        return body, "application/octet-stream"
"""


def make_group(name: str) -> Path:
    """A control group of memory below this process's own.

    Raises:
        OSError: there is none, or it may not be made.
    """
    root = Path("/sys/fs/cgroup")
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            group, files = root / "memory" / path.lstrip("/") / name, {"memory.limit_in_bytes": str(LIMIT)}
        elif not controllers and (root / "memory.events").exists():
            group, files = root / path.lstrip("/") / name, {"memory.max": str(LIMIT), "memory.swap.max": "0"}
        else:
            continue
        group.mkdir()
        for file, value in files.items():
            (group / file).write_text(value)
        return group
    raise FileNotFoundError("no control group of memory in /proc/self/cgroup")


@pytest.fixture
def limited(launch: Launcher) -> Iterator[tuple[str, ...]]:
    """What to put before a command so that it runs under the limit."""
    try:
        group = make_group(f"serving-{os.getpid()}")
    except OSError as error:
        pytest.skip(f"no control group of memory can be made here (root can, on most machines): {error}")
    yield ("/bin/sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh")
    launch.close()
    group.rmdir()


def test_a_request_that_takes_all_memory_fails_with_that_cause_and_the_next_is_served(
    launch: Launcher, limited: tuple[str, ...]
) -> None:
    server = launch(HANDLER, prefix=limited).ready()
    status, code, message = error_of(server.post(b"too much", "application/octet-stream"))
    assert (status, code) == (500, "worker_died")
    assert "was killed by SIGKILL: the kernel reports that the container ran out of memory" in message
    assert "out of memory" in server.record("worker_exited")["message"]
    assert server.post(b"fine", "application/octet-stream").content == b"fine"


def test_a_model_that_takes_all_memory_ends_the_server_with_that_cause(
    launch: Launcher, limited: tuple[str, ...]
) -> None:
    handler = "def model_fn(model_dir):\n    return b'x' * 2_000_000_000\n\ndef predict_fn(data, model): pass\n"
    server = launch(handler, prefix=limited)
    assert server.wait() == 1
    assert "ran out of memory while it was loading" in server.stderr


def test_a_body_fits_that_is_as_large_as_the_memory_the_server_leaves(
    launch: Launcher, limited: tuple[str, ...]
) -> None:
    server = launch(HANDLER, prefix=limited).ready()
    body = bytes(range(250)) * 400_000
    assert server.post(body, "application/octet-stream").content == body
    assert server.records("worker_exited") == []
