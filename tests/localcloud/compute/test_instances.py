"""How instances are started, kept running and ended, with real programs and without a cloud around them."""

import http.client
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from glue.localcloud.accounts import Scope
from glue.localcloud.clock import Clock
from glue.localcloud.compute.images import ImageReference, RegisteredImage
from glue.localcloud.compute.instances import START_ATTEMPTS, STOP_GRACE, Instance, NotReadyError
from glue.localcloud.compute.leftovers import LOCK_NAME, RECORD_NAME, is_locked
from glue.localcloud.compute.memory import FOLLOWED
from glue.localcloud.compute.processes import Guard, ProcessContainer
from glue.localcloud.compute.runtime import Launch, Sink
from glue.ports import free_port
from tests.localcloud.support import PROGRAM, REGION, eventually, running

MIB = 1 << 20
DIGEST = f"sha256:{'0' * 64}"
IMAGE = RegisteredImage(
    ImageReference(Scope("111122223333", REGION), "repository", "1", None), DIGEST, DIGEST, (), {}, (), {}
)


@dataclass
class Programs:
    """A runtime of `program.py`, whose starts fail with `failures` before any succeeds."""

    guard: Guard
    failures: list[Exception] = field(default_factory=list)
    fills_disks: bool = False

    def prepare(self, image: RegisteredImage) -> None:
        """There is nothing to fetch."""

    def start(self, launch: Launch, folder: Path, sink: Sink) -> ProcessContainer:
        if self.failures:
            raise self.failures.pop(0)
        command = [sys.executable, str(PROGRAM)]
        return run(command, folder, sink, self.guard, launch.environment, memory=launch.memory)


def run(
    command: list[str],
    folder: Path,
    sink: Sink,
    guard: Guard,
    variables: dict[str, str] | None = None,
    *,
    memory: int | None = None,
) -> ProcessContainer:
    port = free_port()
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    bound = {"SAGEMAKER_BIND_TO_PORT": str(port), "SAGEMAKER_BASE_DIR": str(folder), "TMPDIR": str(folder / "tmp")}
    environment = {**os.environ, **bound, **(variables or {})}
    return ProcessContainer(command, environment, folder, port=port, sink=sink, the_guard=guard, memory=memory)


@pytest.fixture
def guard() -> Iterator[Guard]:
    guard = Guard()
    yield guard
    guard.close()


@dataclass
class Subject:
    """An instance, its clock, and what it logged."""

    instance: Instance
    clock: Clock
    lines: list[str]

    def kill(self) -> None:
        assert self.instance.kill()

    def seconds_to_stop(self) -> float:
        """How long it takes to end the instance, by its clock."""
        before = self.clock.elapsed()
        self.instance.stop()
        return self.clock.elapsed() - before


Make = Callable[..., Subject]


@pytest.fixture
def make(guard: Guard, tmp_path: Path) -> Iterator[Make]:
    made: list[Subject] = []

    def instance(*failures: Exception, speed: float = 10.0, starts: str = "well", memory: int | None = None) -> Subject:
        clock = Clock(speed)
        lines: list[str] = []
        launch = Launch(IMAGE, tmp_path / "model", {"STARTS": starts}, {}, startup_timeout=3600, memory=memory)
        found = Instance(
            "i-1",
            launch,
            Programs(guard, list(failures)),
            tmp_path / "instance",
            clock=clock,
            sink=lines.append,
            changed=lambda: None,
            fault=lambda kind: None,
        )
        made.append(Subject(found, clock, lines))
        return made[-1]

    yield instance
    for subject in made:
        subject.instance.stop(0)


def test_an_instance_that_could_not_be_started_again_at_first_is_started_later(make: Make) -> None:
    subject = make()
    subject.instance.start()
    runtime = subject.instance._runtime
    assert isinstance(runtime, Programs)
    runtime.failures.append(OSError(28, "No space left on device"))
    subject.kill()
    eventually(lambda: not runtime.failures, what="the start that fails")
    eventually(lambda: subject.instance.ready, what="the next start")
    assert "container could not be started: [Errno 28] No space left on device" in subject.lines


def test_an_instance_that_can_never_be_started_gives_up_and_says_why(make: Make) -> None:
    subject = make(*[OSError(12, "Cannot allocate memory")] * START_ATTEMPTS)
    with pytest.raises(NotReadyError):
        subject.instance.start()
    assert subject.lines == ["container could not be started: [Errno 12] Cannot allocate memory"] * START_ATTEMPTS


def test_a_program_that_ignores_sigterm_has_its_grace_and_is_killed_then(make: Make) -> None:
    subject = make(starts="deaf")
    subject.instance.start()
    took = subject.seconds_to_stop()
    assert "SIGTERM is not for me" in subject.lines
    assert STOP_GRACE <= took < 3 * STOP_GRACE


def test_a_program_that_ends_in_its_grace_is_not_killed(make: Make) -> None:
    subject = make(starts="tidy", speed=1.0)
    subject.instance.start()
    took = subject.seconds_to_stop()
    assert "all put away" in subject.lines
    assert took < STOP_GRACE


def test_a_program_that_ends_on_sigterm_is_gone_at_once(make: Make) -> None:
    subject = make(speed=1.0)
    subject.instance.start()
    assert subject.seconds_to_stop() < STOP_GRACE / 3


@pytest.mark.skipif(not FOLLOWED, reason="this system does not tell what processes take")
def test_a_program_that_takes_too_much_memory_is_killed_and_says_so_and_starts_again(make: Make) -> None:
    subject = make(memory=256 * MIB)
    subject.instance.start()
    with closing(http.client.HTTPConnection(*subject.instance.address, timeout=30)) as connection:
        connection.request("POST", "/invocations", b'{"do": "memory"}')
        with pytest.raises(ConnectionError):
            connection.getresponse()
    eventually(lambda: "container exited with status 137; starting it again" in subject.lines, what="its end")
    assert "container used more memory than its limit of 256 MiB: a process of it was killed" in subject.lines
    eventually(lambda: subject.instance.ready, what="the next start")


def refuse(line: str) -> None:
    raise RuntimeError(f"cannot take {line}")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("end", [lambda container: container.stop(0), ProcessContainer.wait], ids=["stop", "wait"])
def test_the_end_of_a_program_is_seen_though_nobody_takes_its_output(
    guard: Guard, tmp_path: Path, end: Callable[[ProcessContainer], object]
) -> None:
    container = run([sys.executable, "-u", "-c", "while True: print('line')"], tmp_path, refuse, guard)
    waiting = threading.Thread(target=end, args=(container,), daemon=True)
    waiting.start()
    waiting.join(10)
    assert not waiting.is_alive()
    assert container.exit_status() is not None


def test_a_program_whose_record_cannot_be_written_does_not_stay(guard: Guard, tmp_path: Path) -> None:
    (tmp_path / RECORD_NAME).mkdir()
    with pytest.raises(IsADirectoryError):
        run([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, print, guard)
    assert not is_locked(tmp_path / LOCK_NAME)


LEAVES = """\
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="finds it in /proc")
def test_what_left_the_group_of_a_program_ends_with_it(guard: Guard, tmp_path: Path) -> None:
    lines: list[str] = []
    container = run([sys.executable, "-c", LEAVES], tmp_path, lines.append, guard)
    [child] = eventually(lambda: lines, what="the child")
    waiting = threading.Thread(target=container.stop, args=(0,), daemon=True)
    waiting.start()
    waiting.join(10)
    assert not waiting.is_alive()
    eventually(lambda: not running({int(child)}), what="the end of the child")


@pytest.mark.skipif(sys.platform != "linux", reason="finds it in /proc")
def test_what_left_the_group_of_a_program_ends_with_the_cloud(guard: Guard, tmp_path: Path) -> None:
    lines: list[str] = []
    run([sys.executable, "-c", LEAVES], tmp_path, lines.append, guard)
    [child] = eventually(lambda: lines, what="the child")
    guard.close()
    eventually(lambda: not running({int(child)}), what="the end of the child")
