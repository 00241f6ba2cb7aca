"""The server's side of one worker process: starting it, talking to it, reading what it prints, ending it."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from serving import frames, logs, payloads
from serving.errors import ServingError, WorkerDied
from serving.health import State

_PIPE_BYTES = 64 << 10
"""What a pipe holds: one read of so much takes all that was printed before."""
_TURN_BYTES = 8 << 10
"""What is read of the output in one turn of the event loop, which has requests to serve between."""
_MAX_LINE_BYTES = 64 << 10
_END_SECONDS = 0.5
_AHEAD = 8
"""Requests that a quick worker has at most."""
_AHEAD_SECONDS = 0.1
_QUICK_SECONDS = 0.01


class Reply:
    """A worker's answer to a request: the header of its frame, and the body."""

    __slots__ = ("header", "payload")

    def __init__(self, header: dict[str, Any], payload: payloads.Payload) -> None:
        self.header = header
        self.payload = payload


class Job:
    """A request for a worker: what it is sent, and the future of its reply."""

    __slots__ = ("created", "header", "payload", "reply", "started", "timer", "watcher", "worker")

    def __init__(self, header: dict[str, Any], payload: payloads.Payload, reply: "asyncio.Future[Reply]") -> None:
        self.header = header
        self.payload = payload
        self.reply = reply
        self.worker: WorkerProcess | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.watcher: asyncio.Task[None] | None = None
        self.created = self.started = time.perf_counter()

    @property
    def queue_ms(self) -> float:
        """Milliseconds that the request waited for its worker."""
        return round((self.started - self.created) * 1000, 3)

    def close(self) -> None:
        """Stop watching it."""
        if self.timer is not None:
            self.timer.cancel()
        if self.watcher is not None:
            self.watcher.cancel()

    def fail(self, error: Exception) -> None:
        """End it with `error`, unless it has ended."""
        if not self.reply.done():
            self.reply.set_exception(error)


class WorkerProcess:
    """A worker process, from its start to its end.

    `on_message` is called with each message that is no reply, `on_idle` after each reply, `on_line` with each line that
    the worker or its children print. The owner, who reaps children, calls `exited`.

    Raises:
        OSError: the system has no room for another process or its connections.
    """

    def __init__(
        self,
        setup: dict[str, Any],
        *,
        on_message: Callable[["WorkerProcess", dict[str, Any]], None],
        on_idle: Callable[["WorkerProcess"], None],
        on_line: Callable[["WorkerProcess", str], None],
    ) -> None:
        self.state = State.STARTING
        self.given_up: Job | None = None
        """The request because of which it is being ended."""
        self._jobs: deque[Job] = deque()
        self._ended = False
        self._hung_up = False
        self._on_message = on_message
        self._on_idle = on_idle
        self._on_line = on_line
        self._loop = asyncio.get_running_loop()
        self._outgoing: list[bytes] = []
        self._blocked = False
        self._quick = False
        self._printed = False
        self._line = b""
        self.pid, self._sock, self._output = _connected()
        self._sock.setblocking(False)
        os.set_blocking(self._output, False)
        self._receiver = frames.Receiver(self._sock)
        self._loop.add_reader(self._sock, self._read_messages)
        self._listen()
        self._send({"type": "load", **setup}, payloads.Payload.of(b""))

    @property
    def inference_id(self) -> str | None:
        """The id of the inference that it runs, if it has but one."""
        return self._jobs[0].header["inference_id"] if len(self._jobs) == 1 else None

    @property
    def takes_more(self) -> bool:
        """Whether it may be sent further requests before it has answered those it has.

        A worker that answers quickly then need not be woken for each, which costs more than a small request does. It
        is not for one that prints, so that each line is that of the one request it has.
        """
        return self._quick and len(self._jobs) < _AHEAD and self.state is State.BUSY

    def start(self, job: Job) -> None:
        """Have the worker answer a request, after those it has."""
        self._send(job.header, job.payload)
        self._jobs.append(job)
        job.worker = self
        if len(self._jobs) == 1:
            self._begin(job)

    def _begin(self, job: Job) -> None:
        """The worker has come to this request."""
        self.state = State.BUSY
        job.started = time.perf_counter()
        if job.reply.done():  # its client is gone; usually it is over at once all the same
            self._loop.call_later(_AHEAD_SECONDS, self.give_up, job)

    def runs(self, job: Job) -> bool:
        """Whether this is the request that it is at."""
        return bool(self._jobs) and self._jobs[0] is job

    def give_up(self, job: Job) -> None:
        """End the worker if it is running this request."""
        if self.runs(job):
            self.given_up = job
            self.state = State.STARTING
            self.kill()

    def cut_short(self, reason: ServingError) -> None:
        """End the worker, and the requests that it has for `reason`."""
        for job in self._jobs:
            job.fail(reason)
        self.kill()

    def _send(self, header: dict[str, Any], payload: payloads.Payload) -> None:
        """Send a message, together with all others of this turn of the event loop."""
        if payload.file is not None:
            self._send_file({**header, "file": payload.size}, payload.file.fileno())
            return
        data = frames.encode(frames.Frame(header, payload.data))
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(data)

    def _send_file(self, header: dict[str, Any], descriptor: int) -> None:
        """Send a message with the descriptor of a file, at once: to a worker that waits nothing else is under way."""
        data = frames.encode(frames.Frame(header))
        with contextlib.suppress(ConnectionError):  # see `_flush`
            if (sent := socket.send_fds(self._sock, [data], [descriptor])) < len(data):
                self._outgoing.append(data[sent:])
                self._flush()

    def _flush(self) -> None:
        """Send what is to be sent; what the socket does not take, when it does."""
        if self._ended:
            return
        data = b"".join(self._outgoing)
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            sent = 0
        except ConnectionError:
            sent = len(data)  # the worker died: `exited` says how, and fails the request
        self._outgoing = [data[sent:]] if sent < len(data) else []
        if self._outgoing and not self._blocked:
            self._loop.add_writer(self._sock, self._flush)
        elif self._blocked and not self._outgoing:
            self._loop.remove_writer(self._sock)
        self._blocked = bool(self._outgoing)

    def hang_up(self) -> None:
        """End the conversation: an idle worker ends by itself."""
        self._hung_up = True
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def kill(self) -> None:
        """Kill the worker and the processes it started, unless it has ended: then its id may be another process's."""
        if not self._ended:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def exited(self, description: str) -> list[Job]:
        """Called once, when the process has ended: take what it left behind, and fail the request it was running.

        Returns the requests that it had not come to.
        """
        self.kill()  # the children it leaves
        self._ended = True
        while self._read_messages():
            pass
        self._read_output(_PIPE_BYTES)  # no more: a child that left the group may print for ever
        self._end_line()
        self._loop.remove_writer(self._sock)
        for source in (self._sock, self._output):
            self._loop.remove_reader(source)
        for descriptor in self._receiver.descriptors:
            os.close(descriptor)
        self._sock.close()
        os.close(self._output)
        if self._jobs and self.given_up in {None, self._jobs[0]}:
            self._jobs.popleft().fail(WorkerDied(f"the worker process {description} while it ran the request"))
        for job in self._jobs:
            job.worker = None
        return list(self._jobs)

    def _read_messages(self) -> bool:
        """Take what can be read at once; whether there may be more."""
        try:
            received = self._receiver.receive()
            self._read_output(_PIPE_BYTES)  # what the handler printed comes before the record of its request
            for frame in received or ():
                self._dispatch(frame)
        except BlockingIOError:
            return False
        except (ConnectionError, frames.FrameError):
            received = None
        if received is None:
            self._loop.remove_reader(self._sock)
            if not self._hung_up:  # it is about to end; one that goes on and can no longer be talked to is of no use
                self._loop.call_later(_END_SECONDS, self.kill)
            return False
        return True

    def _dispatch(self, frame: frames.Frame) -> None:
        header = frame.header
        if header.get("type") != "reply":
            self._on_message(self, header)
            return
        if not self._jobs:
            raise frames.FrameError("a reply to nothing")
        job = self._jobs[0]
        payload = self._payload_of(frame, job)
        self._end_line()
        self._jobs.popleft()
        self._quick = not self._printed and time.perf_counter() - job.started < _QUICK_SECONDS
        self._printed = False
        if job.reply.done():
            payload.close()
        else:
            job.reply.set_result(Reply(header, payload))
        if self.given_up is not None or self._ended:
            return
        if self._jobs:
            self._begin(self._jobs[0])
        else:
            self.state = State.READY
        self._on_idle(self)

    def _payload_of(self, frame: frames.Frame, job: Job) -> payloads.Payload:
        """The body of a reply, wherever the worker has put it."""
        if "reused" in frame.header and job.payload.file is not None:
            return job.payload.replaced(frame.header["reused"])
        if "file" in frame.header and self._receiver.descriptors:
            return payloads.adopt(self._receiver.descriptors.pop(0), frame.header["file"])
        if "reused" in frame.header or "file" in frame.header:
            raise frames.FrameError("a reply without the file it names")
        return payloads.Payload.of(frame.body)

    def _listen(self) -> None:
        if not self._ended:
            self._loop.add_reader(self._output, self._read_turn)

    def _read_turn(self) -> None:
        """Take some of what was printed, unless nobody reads the log: then the handler waits."""
        if logs.wait_if_behind(self._listen):
            self._loop.remove_reader(self._output)
        else:
            self._read_output(_TURN_BYTES)

    def _read_output(self, size: int) -> None:
        """Take at most so many bytes of what was printed: whoever prints without end must not keep the server."""
        try:
            data = os.read(self._output, size)
        except BlockingIOError:
            return
        if not data:
            self._loop.remove_reader(self._output)
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            self._emit(line)
        if len(self._line) > _MAX_LINE_BYTES:
            self._end_line()

    def _end_line(self) -> None:
        if self._line:
            self._emit(self._line)
            self._line = b""

    def _emit(self, line: bytes) -> None:
        self._printed = True
        self._on_line(self, line.decode(errors="backslashreplace").rstrip("\r"))


def _connected() -> tuple[int, socket.socket, int]:
    """A new worker: its process id, our end of the socket, and the pipe with what it prints."""
    with contextlib.ExitStack() as undo:
        ours, theirs = socket.socketpair()
        undo.enter_context(ours)
        with theirs:
            output, worker_output = os.pipe()
            undo.callback(os.close, output)
            os.set_inheritable(theirs.fileno(), True)
            try:
                pid = _spawn(theirs.fileno(), worker_output)
            finally:
                os.close(worker_output)
        undo.pop_all()
    return pid, ours, output


def _spawn(descriptor: int, output: int) -> int:
    """Start a worker in a process group of its own, so that it ends with its children and no terminal interrupts it."""
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "serving.worker", str(descriptor), str(os.getpid())],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, output, 1),
            (os.POSIX_SPAWN_DUP2, output, 2),
        ],
        setpgroup=0,
        setsigdef=[signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGPIPE],
    )
