"""The server's side of one worker process: starting it, talking to it, reading what it prints, ending it."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from serving import frames, payloads
from serving.errors import ClientGone, TimedOut, WorkerDied
from serving.health import State

_READ_BYTES = 64 << 10
_MAX_LINE_BYTES = 64 << 10
_END_SECONDS = 0.5


class Reply:
    """A worker's answer to a request: the header of its frame, and the body."""

    __slots__ = ("header", "payload")

    def __init__(self, header: dict[str, Any], payload: payloads.Payload) -> None:
        self.header = header
        self.payload = payload


class WorkerProcess:
    """A worker process, from its start to its end.

    `on_message` is called with each message that is no reply, `on_line` with each line that the worker or its children
    print. The owner, who reaps children, calls `exited`.
    """

    def __init__(
        self,
        setup: dict[str, Any],
        *,
        on_message: Callable[["WorkerProcess", dict[str, Any]], None],
        on_line: Callable[["WorkerProcess", str], None],
    ) -> None:
        self.state = State.STARTING
        self.inference_id: str | None = None
        self.given_up = False
        self._ended: str | None = None
        self._hung_up = False
        self._on_message = on_message
        self._on_line = on_line
        self._loop = asyncio.get_running_loop()
        self._reply: asyncio.Future[Reply] | None = None
        self._line = b""
        self._sock, worker_end = socket.socketpair()
        self._output, worker_output = os.pipe()
        with worker_end:
            os.set_inheritable(worker_end.fileno(), True)
            self.pid = _spawn(worker_end.fileno(), worker_output)
        os.close(worker_output)
        self._sock.setblocking(False)
        os.set_blocking(self._output, False)
        self._receiver = frames.Receiver(self._sock)
        self._loop.add_reader(self._sock, self._read_messages)
        self._loop.add_reader(self._output, self._read_output)
        self._sock.send(frames.encode(frames.Frame({"type": "load", **setup})))

    async def call(
        self, header: dict[str, Any], payload: payloads.Payload, *, timeout: float, timeout_name: str
    ) -> Reply:
        """Have the worker answer a request; at most `timeout` seconds, after which it is killed.

        Raises:
            TimedOut: it did not answer in time.
            WorkerDied: it ended before it answered.
            ClientGone: `give_up` was called.
        """
        if self._ended is not None:
            raise WorkerDied(f"the worker process {self._ended} before it ran the request")
        self._reply = self._loop.create_future()
        self.state = State.BUSY
        self.inference_id = header["inference_id"]
        try:
            async with asyncio.timeout(timeout):
                await self._send(header, payload)
                return await self._reply
        except TimeoutError:
            self._give_up()
            raise TimedOut(
                f"the handler did not answer within the {timeout:g} seconds that {timeout_name} allows"
            ) from None
        finally:
            self._reply = None

    def give_up(self) -> None:
        """End the request that the worker runs, and the worker with it, because nobody waits for the answer."""
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(ClientGone())
            self._give_up()

    def _give_up(self) -> None:
        self.given_up = True
        self.state = State.STARTING
        self.kill()

    async def _send(self, header: dict[str, Any], payload: payloads.Payload) -> None:
        # A worker that died meanwhile breaks the pipe: `exited` says how it ended, and fails the reply.
        with contextlib.suppress(ConnectionError):
            if payload.file is None:
                await self._loop.sock_sendall(self._sock, frames.encode(frames.Frame(header, payload.data)))
                return
            # Nothing else is under way to an idle worker, so this short frame always fits into the socket's buffer.
            data = frames.encode(frames.Frame({**header, "file": payload.size}))
            sent = socket.send_fds(self._sock, [data], [payload.file.fileno()])
            await self._loop.sock_sendall(self._sock, memoryview(data)[sent:])

    def hang_up(self) -> None:
        """End the conversation: an idle worker ends by itself."""
        self._hung_up = True
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def kill(self) -> None:
        """Kill the worker and the processes it started, unless it has ended: then its id may be another process's."""
        if self._ended is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def exited(self, description: str) -> None:
        """Called once, when the process has ended: take what it left behind, and fail the request it was running."""
        self.kill()  # the children it leaves
        self._ended = description
        while self._read_messages():
            pass
        self._read_output()
        self._end_line()
        for source in (self._sock, self._output):
            self._loop.remove_reader(source)
        for descriptor in self._receiver.descriptors:
            os.close(descriptor)
        self._sock.close()
        os.close(self._output)
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(WorkerDied(f"the worker process {description} while it ran the request"))

    def _read_messages(self) -> bool:
        """Take what can be read at once; whether there may be more."""
        try:
            received = self._receiver.receive()
        except BlockingIOError:
            return False
        except (ConnectionError, frames.FrameError):
            received = None
        if received is None:
            self._loop.remove_reader(self._sock)
            if not self._hung_up:  # it is about to end; one that goes on and can no longer be talked to is of no use
                self._loop.call_later(_END_SECONDS, self.kill)
            return False
        for frame in received:
            self._dispatch(frame)
        return True

    def _dispatch(self, frame: frames.Frame) -> None:
        header = frame.header
        if header.get("type") != "reply":
            self._on_message(self, header)
            return
        self._read_output()  # what the handler printed comes before the record of its request
        self._end_line()
        if "file" in header:
            payload = payloads.adopt(self._receiver.descriptors.pop(0), header["file"])
        else:
            payload = payloads.Payload.of(frame.body)
        self.inference_id = None
        if self._reply is None or self._reply.done():
            payload.close()
            return
        self.state = State.READY
        self._reply.set_result(Reply(header, payload))

    def _read_output(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._output, _READ_BYTES):
                *lines, self._line = (self._line + data).split(b"\n")
                for line in lines:
                    self._emit(line)
                if len(self._line) > _MAX_LINE_BYTES:
                    self._end_line()
            self._loop.remove_reader(self._output)

    def _end_line(self) -> None:
        if self._line:
            self._emit(self._line)
            self._line = b""

    def _emit(self, line: bytes) -> None:
        self._on_line(self, line.decode(errors="backslashreplace").rstrip("\r"))


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
