"""Keeps workers running, gives requests to them, and knows the server's state."""

import asyncio
import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from serving import exits, logs, orphans
from serving.errors import ClientGone, TimedOut, Unavailable
from serving.health import SERVING, State, overall
from serving.payloads import Payload
from serving.process import Job, WorkerProcess
from serving.settings import Settings

RESPAWN_DELAYS = (0.0, 0.5, 2.0)
"""Seconds before a worker that died is started again: the first, second and third time without an answer in between.
The next death ends the server."""

Wait = Callable[[], Coroutine[Any, Any, None]]

_HANG_UP_SECONDS = 1.0
_PATIENCE_SECONDS = 0.1
"""Within this time no client is asked whether it is still there: asking costs a fifth of a small request."""


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
        self._waiting: deque[Job] = deque()
        self._respawns: set[asyncio.TimerHandle] = set()
        self.active = 0
        """Requests that hold a slot."""
        self.starts = 0
        """Worker processes started so far."""
        self._deaths = 0
        self._was_ready = False
        self._draining = False
        self.ending: Unavailable | None = None
        """Why requests are no longer run, from the moment on when they are not."""
        self._closed = asyncio.Event()
        self._memory = exits.MemoryKills()

    @property
    def state(self) -> State:
        """The server's state now."""
        return overall(
            (worker.state for worker in self._workers.values()),
            active=self.active,
            slots=self._settings.slots,
            draining=self._draining,
            failed=self.failed.done(),
        )

    @property
    def slots(self) -> int:
        """Requests that are taken at once."""
        return self._settings.slots

    @property
    def workers(self) -> int:
        """Worker processes that there are now."""
        return len(self._workers)

    def start(self) -> None:
        """Start the workers; they load the model while the caller goes on."""
        # Not by the loop's own method, which uvloop keeps for itself. To wake the loop is all that is safe here.
        orphans.adopt()
        signal.signal(signal.SIGCHLD, lambda *_: self._loop.call_soon_threadsafe(self._reap))
        try:
            for _ in range(self._settings.workers):
                self._spawn()
        except OSError as error:
            self._fail(Failure(_not_started(error)))
        self._watch_memory()

    def _watch_memory(self) -> None:
        self._memory.look()
        self._loop.call_later(exits.LOOK_SECONDS, self._watch_memory)

    def take_slot(self) -> None:
        """Take one of the slots for requests, to be given back by `free_slot`.

        Raises:
            Unavailable: all are taken, or the server's state is none in which it takes requests.
        """
        if self._draining or self.failed.done():
            state = self.state
            raise Unavailable(f"the server is {state} and takes no more requests", code=state.value)
        if not self._was_ready:
            state = self.state
            raise Unavailable(f"the server is {state}: the model is not loaded yet", code=state.value)
        if self.active >= (slots := self.slots):
            raise Unavailable(
                f"all slots are taken: SAGEMAKER_MAX_CONCURRENT_INVOCATIONS is {slots}", code=State.BUSY.value
            )
        self.active += 1

    def free_slot(self) -> None:
        """Give back a slot."""
        self.active -= 1

    def submit(self, header: dict[str, Any], payload: Payload, client_gone: Wait) -> Job:
        """Have the next idle worker answer a request, also one that is just being started again.

        `Job.reply` gives the worker's reply or raises TimedOut, WorkerDied, ClientGone when `client_gone` returned
        first, or Unavailable when no worker came free within the timeout or the server had to end before the answer.
        The caller closes the job.
        """
        job = Job(header, payload, self._loop.create_future())
        if self.ending is not None:
            job.fail(self.ending)
            return job
        job.timer = self._loop.call_later(_PATIENCE_SECONDS, self._watch, job, client_gone)
        if self._idle:
            self._idle.popleft().start(job)
        elif not self._waiting and self._may_go_ahead(payload):
            self._only.start(job)
        else:
            self._waiting.append(job)
        return job

    def _may_go_ahead(self, payload: Payload) -> bool:
        """Whether to send a request on to a worker that still has others. Where it is the only one, nothing is lost."""
        return len(self._workers) == self._settings.workers == 1 and payload.file is None and self._only.takes_more

    def _watch(self, job: Job, client_gone: Wait) -> None:
        """End a request when its client hangs up, and when it has lasted as long as the timeout allows.

        A platform hangs up at its own time limit, and the next request must not wait for an answer that nobody wants.
        """

        async def give_up_when_gone() -> None:
            await client_gone()
            self._give_up(job, ClientGone())

        job.watcher = self._loop.create_task(give_up_when_gone())
        self._expire(job)

    def _expire(self, job: Job) -> None:
        timeout, name = self._settings.timeout, self._settings.timeout_name
        remaining = job.started + timeout - time.perf_counter()
        if remaining > 0:
            job.timer = self._loop.call_later(remaining, self._expire, job)
        elif job.worker is None or not job.worker.runs(job):
            message = f"no worker came free within the {timeout} seconds that {name} allows"
            self._give_up(job, Unavailable(message, code=State.BUSY.value))
        else:
            message = f"the handler did not answer within the {timeout} seconds that {name} allows"
            self._give_up(job, TimedOut(message))

    def _give_up(self, job: Job, reason: TimedOut | Unavailable | ClientGone) -> None:
        """End a request for `reason`, unless it has ended, and the worker if it is running it."""
        if job.reply.done():
            return
        job.fail(reason)
        if job.worker is not None:
            job.worker.give_up(job)
        else:  # with its body, which would wait there for nothing
            self._waiting.remove(job)

    @property
    def _only(self) -> WorkerProcess:
        return next(iter(self._workers.values()))

    def _feed(self, worker: WorkerProcess) -> None:
        """Have a worker take the next requests that somebody still waits for, as many as it may."""
        while self._waiting:
            job = self._waiting[0]
            if not job.reply.done():
                if worker.state is not State.READY and not self._may_go_ahead(job.payload):
                    return
                worker.start(job)
            self._waiting.popleft()
        if worker.state is State.READY:
            self._idle.append(worker)

    def _answered(self, worker: WorkerProcess) -> None:
        self._deaths = 0
        self._feed(worker)

    def drain(self) -> None:
        """Take no more requests."""
        self._draining = True

    def abandon(self) -> None:
        """Fail the requests that are still waiting or running."""
        grace = self._settings.grace
        self._end_requests(
            f"the server is shutting down, and the request was not done within the {grace} seconds that "
            "SAGEMAKER_SHUTDOWN_GRACE_SECONDS allows",
            State.DRAINING,
        )

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
        await orphans.end()

    def _spawn(self) -> None:
        settings = self._settings
        setup = {
            "model_dir": str(settings.model_dir),
            "program": settings.program,
            "search_paths": [str(path) for path in settings.search_paths],
            "default_accept": settings.default_accept,
            "warmup": str(settings.warmup) if settings.warmup else None,
        }
        worker = WorkerProcess(setup, on_message=self._note, on_idle=self._answered, on_line=_print_line)
        self._workers[worker.pid] = worker
        self.starts += 1

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
                self._feed(worker)

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
        description = exits.describe(status, out_of_memory=self._memory.happened())
        self._waiting.extendleft(reversed(worker.exited(description)))
        del self._workers[worker.pid]
        with contextlib.suppress(ValueError):
            self._idle.remove(worker)
        if self._draining or self.failed.done():
            if not self._workers:
                self._closed.set()
                self._end_requests("the server is shutting down, and its last worker has ended", State.DRAINING)
            return
        logs.write(
            "worker_exited", level="error", worker=worker.pid, state=worker.state, message=f"the worker {description}"
        )
        if worker.given_up is not None:
            self._respawn_after(0)
        elif worker.state not in SERVING:
            self._fail(Failure(f"the worker process {description} while it was {worker.state}"))
        else:
            self._replace(f"the worker process {description}; it died")

    def _replace(self, what: str) -> None:
        """Start a worker again after a while, unless `what` has happened too often."""
        if self._deaths == len(RESPAWN_DELAYS):
            self._fail(Failure(f"{what} {self._deaths + 1} times without an answer in between"))
        else:
            self._respawn_after(RESPAWN_DELAYS[self._deaths])
            self._deaths += 1

    def _respawn_after(self, delay: float) -> None:
        def respawn() -> None:
            self._respawns.discard(handle)
            try:
                self._spawn()
            except OSError as error:
                logs.write("worker_not_started", level="error", message=(what := _not_started(error)))
                self._replace(f"{what}; it failed")

        handle = self._loop.call_later(delay, respawn)
        self._respawns.add(handle)

    def _fail(self, failure: Failure) -> None:
        if not self.failed.done():
            self.failed.set_result(failure)
        self._end_requests(f"the server failed: {failure.cause}", State.FAILED)

    def _end_requests(self, reason: str, state: State) -> None:
        """Fail those that are waiting or running, and those whose bodies are still on their way once they are here."""
        if self.ending is not None:
            return
        self.ending = Unavailable(reason, code=state.value)
        for job in self._waiting:
            job.fail(self.ending)
        for worker in self._workers.values():
            worker.cut_short(self.ending)


def _not_started(error: OSError) -> str:
    return f"a worker process cannot be started: {error.strerror or error}"


def _print_line(worker: WorkerProcess, line: str) -> None:
    logs.write("output", worker=worker.pid, inference_id=worker.inference_id, message=line)
