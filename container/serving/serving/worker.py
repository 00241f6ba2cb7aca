"""The worker process: the only one that runs the user's code. One request at a time.

Started by the server as `python -m serving.worker <socket's descriptor> <server's process id>`; ends when the socket
does.
"""

import contextlib
import ctypes
import faulthandler
import os
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from serving import formats, frames, handler, payloads, requirements
from serving.context import Context
from serving.errors import HandlerError, ServingError, Unserializable, client_status

_OWN_FOLDER = str(Path(__file__).parent)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_MAX_MESSAGE = 4000
_MAX_TRACEBACK = 200_000


class Channel:
    """The worker's end of the socket, blocking."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._receiver = frames.Receiver(sock)
        self._pending: list[frames.Frame] = []

    def receive(self) -> tuple[dict[str, Any], payloads.Payload] | None:
        """The next message; None when the server has closed its end or is gone."""
        while not self._pending:
            try:
                received = self._receiver.receive()
            except ConnectionError:
                return None
            if received is None:
                return None
            self._pending += received
        frame = self._pending.pop(0)
        if "file" in frame.header:
            return frame.header, payloads.adopt(self._receiver.descriptors.pop(0), frame.header["file"])
        return frame.header, payloads.Payload.of(frame.body)

    def send(self, header: dict[str, Any], payload: payloads.Payload | None = None) -> None:
        """Send a message, and close its payload."""
        if payload is None or payload.file is None:
            self._sock.sendall(frames.encode(frames.Frame(header, payload.data if payload else b"")))
            return
        data = frames.encode(frames.Frame({**header, "file": payload.size}))
        sent = socket.send_fds(self._sock, [data], [payload.file.fileno()])
        self._sock.sendall(memoryview(data)[sent:])
        payload.close()


class Server:
    """A loaded handler and its model, answering the messages of one channel."""

    def __init__(self, channel: Channel, setup: dict[str, Any]) -> None:
        self._channel = channel
        self._model_dir: str = setup["model_dir"]
        self._default_accept: str = setup["default_accept"]
        search_paths = [Path(path) for path in setup["search_paths"]]
        _prepare(Path(self._model_dir), search_paths)
        path = handler.find(setup["program"], search_paths)
        requirements.check(path.parent / "requirements.txt")
        root = next(folder for folder in search_paths if path.is_relative_to(folder))
        self._handler = handler.Handler(handler.load(path, root), path)
        context = Context(self._model_dir)
        self._model = self._handler.load_model(self._model_dir, context)
        warmup = setup["warmup"]
        if self._handler.warms_up or warmup:
            channel.send({"type": "warming"})
        if self._handler.warms_up:
            self._handler.warm_up(self._model_dir, self._model, context)
        if warmup:
            self._run_once(Path(warmup))

    @property
    def functions(self) -> list[str]:
        """Names of the handler's functions."""
        return list(self._handler.functions)

    def _run_once(self, file: Path) -> None:
        """Run the request whose body is in `file`: what happens only at the first is over before a client's comes."""
        try:
            body = file.read_bytes()
        except OSError as error:
            raise HandlerError(f"SAGEMAKER_WARMUP_REQUEST cannot be read: {file}: {error.strerror}") from None
        content_type = formats.guess(file.name)
        context = Context(self._model_dir, {"content-type": content_type})
        request = handler.Request(payloads.Payload.of(body), content_type, "")
        reply = self._handler.run(request, self._model, context, self._default_accept)
        if reply.status >= 400:
            raise HandlerError(f"SAGEMAKER_WARMUP_REQUEST {file} was answered with status {reply.status}")

    def serve(self) -> None:
        """Answer requests until the channel ends."""
        while (message := self._channel.receive()) is not None:
            header, payload = message
            del message
            self._answer(header, payload)
            del payload

    def _answer(self, header: dict[str, Any], payload: payloads.Payload) -> None:
        context = Context(self._model_dir, header["headers"], header["inference_id"])
        timings: dict[str, float] = {}
        file = payload.file
        try:
            headers = header["headers"]
            content_type = headers.get("content-type", "application/octet-stream")
            request = handler.Request(payload, content_type, headers.get("accept", ""), timings)
            reply = self._handler.run(request, self._model, context, self._default_accept)
            body = payloads.store(reply.body, payload)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the user's code raises is the answer
            answer, body = _failure(error), None
        else:
            answer = {"status": reply.status, "content_type": reply.content_type, "headers": reply.headers}
            del reply
        payload.close()
        if body is not None and body.file is not None and body.file is file:  # the server has it as well
            answer["reused"] = body.size
            body.close()
        _flush()
        self._channel.send({"type": "reply", "timings": timings, **answer}, body)


def main(arguments: list[str]) -> int:
    """Run the worker; returns its exit code."""
    descriptor, server_pid = map(int, arguments)
    _end_with(server_pid)
    _die_first()
    os.set_inheritable(descriptor, False)
    faulthandler.enable()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    channel = Channel(socket.socket(fileno=descriptor))
    message = channel.receive()
    if message is None:
        return 0
    channel.send({"type": "loading"})
    start = time.perf_counter()
    try:
        server = Server(channel, message[0])
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the server reports it
        _flush()
        channel.send({"type": "failed", "cause": _cause(error), "traceback": _trace(error)})
        return 1
    elapsed = round((time.perf_counter() - start) * 1000, 3)
    _flush()
    channel.send({"type": "ready", "load_ms": elapsed, "functions": server.functions})
    with contextlib.suppress(ConnectionError):
        server.serve()
    return 0


def _end_with(server_pid: int) -> None:
    """Have the kernel end this process with the server, even in the midst of a call that never returns."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server_pid:
        sys.exit(1)  # it ended before it could be watched


def _die_first() -> None:
    """Have the kernel take this process when memory runs out, not the server, which then can say what happened."""
    with contextlib.suppress(OSError):  # there is such a file on Linux only
        Path("/proc/self/oom_score_adj").write_text("1000")


def _prepare(model_dir: Path, search_paths: list[Path]) -> None:
    """The surroundings a handler has in SageMaker's containers: its folder and the model's are importable, and the
    working directory is the model's."""
    sys.path[:0] = [str(folder) for folder in dict.fromkeys((*search_paths, model_dir))]
    try:
        os.chdir(model_dir)
    except OSError as error:
        raise HandlerError(f"the model's folder {model_dir} cannot be entered: {error.strerror}") from None


def _failure(error: BaseException) -> dict[str, Any]:
    """The answer for an exception; its traceback is for the log, unless one of our classes says that all is in order.

    Another's with a status of 400 to 499 may be a service's that the handler asked, and no fault of the client's.
    """
    if (client := client_status(error)) is not None:
        status, code = client
        trace = None if isinstance(error, ServingError) else _trace(error)
        return {"status": status, "code": code, "message": str(error)[:_MAX_MESSAGE], "traceback": trace}
    message, code = _cause(error), "handler_error"
    if isinstance(error, ServingError):
        message, code = str(error)[:_MAX_MESSAGE], error.code
    return {"status": 500, "code": code, "message": message, "traceback": _trace(error)}


def _cause(error: BaseException) -> str:
    """One line: the type and the message of an exception."""
    text = " ".join(str(error).split())[:_MAX_MESSAGE]
    if isinstance(error, HandlerError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _trace(error: BaseException) -> str | None:
    """The traceback from the first line of the user's code on; None when no such code was reached."""
    if isinstance(error, HandlerError | Unserializable):
        return None
    start = error.__traceback__
    while start is not None and _is_ours(start):
        start = start.tb_next
    lines = traceback.format_exception(type(error), error, start)
    return "".join(lines)[-_MAX_TRACEBACK:]


def _is_ours(frame: TracebackType) -> bool:
    file = frame.tb_frame.f_code.co_filename
    return file.startswith((_OWN_FOLDER, "<frozen importlib"))


def _flush() -> None:
    """Have what the handler printed in the log before the request it belongs to is."""
    for stream in (sys.stdout, sys.stderr):
        try:  # noqa: SIM105 - `suppress` would cost more than the flush
            stream.flush()
        except (OSError, ValueError):
            pass  # the handler has closed it


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
