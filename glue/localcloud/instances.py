"""An instance of a variant: a container that is kept running, and knows whether it is ready."""

import contextlib
import http.client
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

from glue.localcloud import trees
from glue.localcloud.clock import Clock, Deadline
from glue.localcloud.runtime import Container, Launch, Runtime, Sink

START_ATTEMPTS = 3
"""How often a container may end before it was ready until the instance gives up."""

STOP_GRACE = 30.0
"""Seconds between SIGTERM and SIGKILL.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

_PING_TIMEOUT = 2.0
_PING_PAUSE = 0.05
_LONGEST_BACKOFF = 30.0


class NotReadyError(Exception):
    """The container ended again and again, or did not answer `/ping` in time."""


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
    ) -> None:
        self.id = instance_id
        self._launch = launch
        self._runtime = runtime
        self._folder = folder
        self._clock = clock
        self._sink = sink
        self._changed = changed
        self._container: Container | None = None
        self._starting = threading.Lock()
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._supervisor: threading.Thread | None = None

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
        for _ in range(START_ATTEMPTS):
            if self._run_until_ready(limit):
                self._supervisor = threading.Thread(target=self._supervise, name=f"supervise-{self.id}", daemon=True)
                self._supervisor.start()
                return
            if limit.passed or self._stopping.is_set():
                break
        raise NotReadyError

    def stop(self, grace: float = STOP_GRACE) -> None:
        """End it for good and remove its files. `grace` in seconds of the clock."""
        with self._starting:  # from here on no container is started
            self._stopping.set()
        self._ready.clear()
        self._changed()
        if self._container is not None:
            self._container.stop(self._clock.real(grace))
        if self._supervisor is not None:
            self._supervisor.join()
        trees.remove(self._folder)

    def _run_until_ready(self, limit: Deadline) -> bool:
        with self._starting:
            if self._stopping.is_set():
                return False
            self._folder.mkdir(parents=True, exist_ok=True)
            container = self._container = self._runtime.start(self._launch, self._folder, self._sink)
        while not limit.passed and not self._stopping.is_set():
            if container.exit_status() is not None:
                self._sink(f"container exited with status {container.wait()} before it answered /ping")
                return False
            if _answers_ping(container.address):
                self._ready.set()
                self._changed()
                return True
            time.sleep(_PING_PAUSE)
        if not self._stopping.is_set():
            self._sink(f"container did not answer /ping within {self._launch.startup_timeout} s")
        container.stop(0)
        return False

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


def _answers_ping(address: tuple[str, int]) -> bool:
    connection = http.client.HTTPConnection(*address, timeout=_PING_TIMEOUT)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    return False
