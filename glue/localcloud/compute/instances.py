"""An instance of a variant: a container that is kept running, and knows whether it is ready."""

import contextlib
import http.client
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

from glue.errors import GlueError
from glue.localcloud import trees
from glue.localcloud.clock import Clock, Deadline
from glue.localcloud.compute.images import ImageError
from glue.localcloud.compute.runtime import Container, Launch, Runtime, Sink, UnsupportedImageError
from glue.localcloud.compute.tracebacks import FirstTraceback
from glue.localcloud.fault_injection.faults import Fault

START_ATTEMPTS = 3
"""How often a container may end before it was ready until the instance gives up."""

STOP_GRACE = 30.0
"""Seconds between SIGTERM and SIGKILL.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

HEALTH_PERIOD = 5.0
"""Seconds between two health checks of an instance that is ready (AWS does not document its own)."""

HEALTH_FAILURES = 3
"""Health checks in a row without an answer until an instance is replaced."""

_PING_TIMEOUT = 2.0
_SHORTEST_PERIOD = 0.2  # seconds of the machine's clock, however fast the local one runs
_PING_PAUSE = 0.05
_LONGEST_BACKOFF = 30.0
_HANG_UP_PATIENCE = 2.0  # seconds of the machine's clock, as everything a process of it does
_HANG_UP_PAUSE = 0.005  # shorter than any start of the next container


class NotReadyError(Exception):
    """The container ended again and again, or did not answer `/ping` in time. The message is what it raised, if any."""


def new_instance_id() -> str:
    """A name as EC2 gives them."""
    return f"i-{secrets.token_hex(8)}{secrets.token_hex(1)[0]}"


class Instance:
    """Runs containers of `launch` one after another, in `folder`. `changed` is called when readiness changes."""

    def __init__(
        self,
        instance_id: str,
        launch: Launch,
        runtime: Runtime,
        folder: Path,
        *,
        clock: Clock,
        sink: Sink,
        changed: Callable[[], None],
        fault: Callable[[str], Fault | None],
    ) -> None:
        """`fault` finds the fault of a kind that the instance suffers."""
        self.id = instance_id
        self._launch = launch
        self._runtime = runtime
        self._folder = folder
        self._clock = clock
        self._sink = sink
        self._changed = changed
        self._fault = fault
        self._container: Container | None = None
        self._traceback: FirstTraceback | None = None
        self._starting = threading.Lock()
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def can_fill_disk(self) -> bool:
        """Whether the fault `disk-full` can reach it."""
        return self._runtime.fills_disks

    @property
    def ready(self) -> bool:
        """Whether requests may be sent to it."""
        return self._ready.is_set() and not self._stopping.is_set()

    @property
    def address(self) -> tuple[str, int]:
        """Where its container listens."""
        if self._container is None:
            raise NotReadyError
        return self._container.address

    def start(self) -> None:
        """Bring it into service; from then on a container that ends is replaced.

        Raises:
            NotReadyError: it did not get ready within the launch's start-up timeout, or ended too often.
        """
        limit = self._clock.deadline(self._launch.startup_timeout)
        traceback = self._traceback = FirstTraceback()
        for _ in range(START_ATTEMPTS):
            if self._run_until_ready(limit):
                self._traceback = None
                self._begin(self._supervise, self._watch)
                return
            if limit.passed or self._stopping.is_set():
                break
        if traceback.lines and not self._stopping.is_set():
            self._sink("the container did not get ready; the first that it raised was:")
            for line in traceback.lines:
                self._sink(line)
        raise NotReadyError(traceback.error)

    def stop(self, grace: float = STOP_GRACE) -> None:
        """End it for good and remove its files. `grace` in seconds of the clock."""
        with self._starting:  # from here on no container is started
            self._stopping.set()
        self._ready.clear()
        self._changed()
        if self._container is not None:
            self._container.stop(self._clock.real(grace))
        for thread in self._threads:
            thread.join()
        trees.remove(self._folder)

    def kill(self) -> bool:
        """SIGKILL for its container, as if it had died of itself; False when it was not ready anyway."""
        with self._starting:
            container = self._container if self.ready else None
            self._ready.clear()
        if container is None:
            return False
        container.stop(0)
        return True

    def await_end(self) -> None:
        """Wait a moment for the end of a container that has hung up: it may go on listening until its last breath."""
        deadline = time.monotonic() + _HANG_UP_PATIENCE
        while self.ready and not self.cut_off() and time.monotonic() < deadline:
            time.sleep(_HANG_UP_PAUSE)

    def suffer(self) -> None:
        """Make faults that last come true for its container, or end them."""
        if self._container is not None:
            self._container.fill_disk(self._fault("disk-full") is not None)

    def cut_off(self) -> bool:
        """Whether there is no connection to it."""
        return self._fault("network-cut") is not None

    def _begin(self, *tasks: Callable[[], None]) -> None:
        for task in tasks:
            self._threads.append(threading.Thread(target=task, name=f"{task.__name__}-{self.id}", daemon=True))
            self._threads[-1].start()

    def _run_until_ready(self, limit: Deadline) -> bool:
        with self._starting:
            if self._stopping.is_set():
                return False
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                container = self._container = self._runtime.start(self._launch, self._folder, self._output)
            except (OSError, GlueError, ImageError, UnsupportedImageError) as error:
                self._sink(f"container could not be started: {error}")
                return False
        self.suffer()
        began = self._clock.elapsed()
        while not limit.passed and not self._stopping.is_set():
            if container.exit_status() is not None:
                self._sink(f"container exited with status {container.wait()} before it answered /ping")
                return False
            slow = self._fault("slow-start")
            late = slow is None or self._clock.elapsed() - began >= slow.seconds
            if late and self._answers_ping(container):
                self._ready.set()
                self._changed()
                return True
            time.sleep(_PING_PAUSE)
        if not self._stopping.is_set():
            self._sink(f"container did not answer /ping within {self._launch.startup_timeout} s")
        container.stop(0)
        return False

    def _output(self, line: str) -> None:
        if self._traceback is not None:
            self._traceback.read(line)
        self._sink(line)

    def _supervise(self) -> None:
        container = self._container
        backoff = 0.0
        while container is not None:
            status = container.wait()
            self._ready.clear()
            self._changed()
            if self._stopping.is_set():
                return
            self._sink(f"container exited with status {status}; starting it again")
            started = False
            while not started and not self._clock.wait(self._stopping, backoff):
                started = self._run_until_ready(self._clock.deadline(self._launch.startup_timeout))
                backoff = 0.0 if started else min(_LONGEST_BACKOFF, backoff * 2 + 1)
            container = self._container
            if not started:
                return

    def _watch(self) -> None:
        """End a container that is ready and stops answering: the supervisor then starts the next one."""
        silent = 0
        while not self._stopping.wait(max(self._clock.real(HEALTH_PERIOD), _SHORTEST_PERIOD)):
            container = self._container
            silent = 0 if not self.ready or container is None or self._answers_ping(container) else silent + 1
            if silent == HEALTH_FAILURES:
                silent = 0
                self._sink(f"container did not answer /ping {HEALTH_FAILURES} times in a row; it is replaced")
                self.kill()

    def _answers_ping(self, container: Container) -> bool:
        if self.cut_off() or self._fault("refuse-ping"):
            return False
        connection = http.client.HTTPConnection(*container.address, timeout=_PING_TIMEOUT)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/ping")
            return connection.getresponse().status == 200
        return False
