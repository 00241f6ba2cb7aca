"""Keeps workers running, gives requests to them, and knows the server's state."""

import asyncio
import contextlib
import os
import signal
from collections import deque
from typing import Any

from serving import exits, logs
from serving.errors import Unavailable
from serving.health import SERVING, State, overall
from serving.payloads import Payload
from serving.process import Reply, WorkerProcess
from serving.settings import Settings

RESPAWN_DELAYS = (0.0, 0.5, 2.0)
"""Seconds before a worker that died is started again: the first, second and third time without an answer in between.
The next death ends the server."""

_HANG_UP_SECONDS = 1.0


class Failure(Exception):  # noqa: N818 - an outcome that is passed on, not only raised
    """Why the server cannot go on: one line, and the user's traceback where there is one."""

    def __init__(self, cause: str, traceback: str | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.traceback = traceback


class Supervisor:
    """The workers and the slots for requests. Lives on one event loop, in the main thread."""

    def __init__(self, settings: Settings) -> None:
        self.failed: asyncio.Future[Failure] = asyncio.get_running_loop().create_future()
        """Done when the server cannot go on."""
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._workers: dict[int, WorkerProcess] = {}
        self._idle: deque[WorkerProcess] = deque()
        self._waiting: deque[asyncio.Future[WorkerProcess]] = deque()
        self._respawns: set[asyncio.TimerHandle] = set()
        self._active = 0
        self._deaths = 0
        self._was_ready = False
        self._draining = False
        self._abandoned = False
        self._closed = asyncio.Event()
        self._memory_kills = exits.out_of_memory_kills()

    @property
    def state(self) -> State:
        """The server's state now."""
        return overall(
            (worker.state for worker in self._workers.values()),
            active=self._active,
            slots=self._settings.slots,
            draining=self._draining,
            failed=self.failed.done(),
        )

    def start(self) -> None:
        """Start the workers; they load the model while the caller goes on."""
        self._loop.add_signal_handler(signal.SIGCHLD, self._reap)
        for _ in range(self._settings.workers):
            self._spawn()

    def take_slot(self) -> None:
        """Take one of the slots for requests, to be given back by `free_slot`.

        Raises:
            Unavailable: all are taken, or the server's state is none in which it takes requests.
        """
        state = self.state
        if state in {State.DRAINING, State.FAILED}:
            raise Unavailable(f"the server is {state} and takes no more requests", code=state.value)
        if state not in SERVING and not self._was_ready:
            raise Unavailable(f"the server is {state}: the model is not loaded yet", code=state.value)
        slots = self._settings.slots
        if self._active >= slots:
            raise Unavailable(
                f"all slots are taken: SAGEMAKER_MAX_CONCURRENT_INVOCATIONS is {slots}", code=State.BUSY.value
            )
        self._active += 1

    def free_slot(self) -> None:
        """Give back a slot."""
        self._active -= 1

    async def acquire(self) -> WorkerProcess:
        """An idle worker, as soon as there is one: also one that is just being started again.

        Raises:
            Unavailable: none came free within the timeout, or the server ends.
        """
        if self._idle:
            return self._idle.popleft()
        waiter: asyncio.Future[WorkerProcess] = self._loop.create_future()
        self._waiting.append(waiter)
        timeout = self._settings.timeout
        try:
            async with asyncio.timeout(timeout):
                return await waiter
        except TimeoutError:
            message = f"no worker came free within the {timeout} seconds that {self._settings.timeout_name} allows"
            raise Unavailable(message, code=State.BUSY.value) from None
        finally:
            with contextlib.suppress(ValueError):
                self._waiting.remove(waiter)

    async def run(self, worker: WorkerProcess, header: dict[str, Any], payload: Payload) -> Reply:
        """Have an acquired worker answer a request, and give the worker back.

        Raises:
            TimedOut, WorkerDied, ClientGone: see `WorkerProcess.call`.
            Unavailable: the server had to end before the answer.
        """
        settings = self._settings
        try:
            reply = await worker.call(header, payload, timeout=settings.timeout, timeout_name=settings.timeout_name)
        except Exception:
            if self._abandoned:
                raise self._cut_short() from None
            raise
        self._deaths = 0
        self.release(worker)
        return reply

    def release(self, worker: WorkerProcess) -> None:
        """Give back a worker that is ready for another request."""
        if worker.state is not State.READY or worker.pid not in self._workers:
            return
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(worker)
                return
        self._idle.append(worker)

    def drain(self) -> None:
        """Take no more requests."""
        self._draining = True

    def abandon(self) -> None:
        """Fail the requests that are still waiting or running."""
        self._abandoned = True
        self._refuse_waiting(self._cut_short())
        for worker in self._workers.values():
            worker.kill()

    async def close(self) -> None:
        """End all workers; returns when none is left."""
        self._draining = True
        for handle in self._respawns:
            handle.cancel()
        for worker in list(self._workers.values()):
            if worker.state is State.READY:
                worker.hang_up()
            else:
                worker.kill()
        if self._workers:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), _HANG_UP_SECONDS)
            for worker in self._workers.values():
                worker.kill()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), _HANG_UP_SECONDS)

    def _cut_short(self) -> Unavailable:
        grace = self._settings.grace
        return Unavailable(
            f"the server is shutting down, and the request was not done within the {grace} seconds that "
            "SAGEMAKER_SHUTDOWN_GRACE_SECONDS allows",
            code=State.DRAINING.value,
        )

    def _spawn(self) -> None:
        settings = self._settings
        setup = {
            "model_dir": str(settings.model_dir),
            "program": settings.program,
            "search_paths": [str(path) for path in settings.search_paths],
            "default_accept": settings.default_accept,
        }
        worker = WorkerProcess(setup, on_message=self._note, on_line=_print_line)
        self._workers[worker.pid] = worker

    def _note(self, worker: WorkerProcess, message: dict[str, Any]) -> None:
        """A worker tells how its start goes."""
        match message["type"]:
            case "loading" | "warming" as phase:
                worker.state = State(phase)
                logs.write(phase, worker=worker.pid)
            case "failed":
                self._fail(Failure(message["cause"], message["traceback"]))
            case "ready":
                worker.state = State.READY
                self._was_ready = True
                logs.write("ready", worker=worker.pid, load_ms=message["load_ms"], functions=message["functions"])
                self.release(worker)

    def _reap(self) -> None:
        """Take note of children that ended: our workers and, as PID 1, processes whose parents are gone."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if (worker := self._workers.get(pid)) is not None:
                self._bury(worker, status)

    def _bury(self, worker: WorkerProcess, status: int) -> None:
        memory_kills = exits.out_of_memory_kills()
        description = exits.describe(status, out_of_memory=memory_kills > self._memory_kills)
        self._memory_kills = memory_kills
        worker.exited(description)
        del self._workers[worker.pid]
        with contextlib.suppress(ValueError):
            self._idle.remove(worker)
        if self._draining or self.failed.done():
            if not self._workers:
                self._closed.set()
                self._refuse_waiting(self._cut_short())
            return
        logs.write(
            "worker_exited", level="error", worker=worker.pid, state=worker.state, message=f"the worker {description}"
        )
        if worker.given_up:
            self._respawn_after(0)
        elif worker.state not in SERVING:
            self._fail(Failure(f"the worker process {description} while it was {worker.state}"))
        elif self._deaths == len(RESPAWN_DELAYS):
            self._fail(
                Failure(
                    f"the worker process {description}; it died {self._deaths + 1} times without an answer in between"
                )
            )
        else:
            self._respawn_after(RESPAWN_DELAYS[self._deaths])
            self._deaths += 1

    def _respawn_after(self, delay: float) -> None:
        def respawn() -> None:
            self._respawns.discard(handle)
            self._spawn()

        handle = self._loop.call_later(delay, respawn)
        self._respawns.add(handle)

    def _fail(self, failure: Failure) -> None:
        if not self.failed.done():
            self.failed.set_result(failure)
        self._refuse_waiting(Unavailable(f"the server failed: {failure.cause}", code=State.FAILED.value))

    def _refuse_waiting(self, error: Unavailable) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(error)


def _print_line(worker: WorkerProcess, line: str) -> None:
    logs.write("output", worker=worker.pid, inference_id=worker.inference_id, message=line)
