"""Asking the program inside a container (see `probe_program`)."""

import contextlib
import json
import os
import selectors
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from glue.engines import Container
from glue.engines.commands import last_lines
from glue.errors import FailedError

PROGRAM = Path(__file__).with_name("probe_program.py")
_PYTHONS = ("python3", "python")
_START_SECONDS = 20.0
_MARGIN_SECONDS = 10.0
_BLOCK = 1 << 16


class ProbeError(FailedError):
    """Nothing came back: the server refused or hung, or the container ended."""


@dataclass(frozen=True)
class Answer:
    """What the container's server answered. Times in seconds."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    connect_seconds: float
    seconds: float


class Probe:
    """A probe in `container`, for a server on `port`. A context that ends it.

    It is asked one thing at a time: whoever wants to know two things at once takes two. One that did not answer in time
    is given up, and the next question starts another.
    """

    def __init__(self, container: Container, port: int) -> None:
        self._container = container
        self.port = port
        self._program = _Program.started(container)

    def http(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        seconds: float,
    ) -> Answer:
        """Send a request to the server.

        Raises:
            ProbeError: it did not answer within `seconds`; the message has the reason.
        """
        length = {"Content-Length": str(len(body))} if method == "POST" else {}
        arguments = {"method": method, "path": path, "headers": {**(headers or {}), **length}, "timeout": seconds}
        found, content = self._ask("exchange", seconds, {"port": self.port, **arguments}, body)
        return Answer(found["status"], found["headers"], content, found["connect_seconds"], found["seconds"])

    def sockets(self) -> Mapping[str, str]:
        """`/proc/net/tcp` and `tcp6` of the container, by the files' names."""
        tables: Mapping[str, str] = self._ask("sockets")[0]
        return tables

    def memory(self) -> int:
        """The memory in bytes that belongs to the container's processes alone (anonymous)."""
        return int(self._ask("memory")[0]["anonymous"])

    def processes(self) -> Mapping[str, str]:
        """The names of the container's processes, by what tells one from each other one, past or future."""
        found: Mapping[str, str] = self._ask("processes")[0]
        return found

    def close(self) -> None:
        """End the program inside."""
        self._program.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(
        self, action: str, seconds: float = 0.0, arguments: Mapping[str, Any] | None = None, body: bytes = b""
    ) -> tuple[Any, bytes]:
        """The answer to a question, and the body that came with it."""
        if self._program.closed:
            self._program = _Program.started(self._container)
        try:
            last, content = self._program.ask(action, arguments or {}, body, seconds + _MARGIN_SECONDS)
        except TimeoutError as error:
            self.close()
            raise ProbeError(f"no answer within {seconds:g} s") from error
        except (EOFError, ValueError) as error:
            self.close()
            raise ProbeError(
                "the container ended" if self._container.ended else "the probe in the container ended"
            ) from error
        if "error" in last:
            raise ProbeError(last["error"])
        return last["answer"], content


class _Program:
    """One process of the probe's program in a container, and the pipes to it."""

    def __init__(self, container: Container, python: str) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the program; a file does not fill up
        program = PROGRAM.read_text(encoding="utf-8")
        self._process = container.execute([python, "-I", "-c", program], self._errors)
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101, PT018 - pipes
        self._given, self._output = self._process.stdin, self._process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)
        self._unread = bytearray()
        self.closed = False

    @classmethod
    def started(cls, container: Container) -> "_Program":
        """The program, once it answers.

        Raises:
            ProbeError: the container ended, or has no Python.
        """
        said = ""
        for python in _PYTHONS:
            program = cls(container, python)
            try:
                program.ask("sockets", {}, b"", _START_SECONDS)
            except (TimeoutError, EOFError, ValueError):
                said = program.said() or said
                program.close()
            else:
                return program
        if container.ended:
            raise ProbeError("the container ended")
        raise ProbeError(f"no Python in the container to look at it with: {said}")

    def ask(self, action: str, arguments: Mapping[str, Any], body: bytes, seconds: float) -> tuple[Any, bytes]:
        """The last line of the reply, and the body before it.

        Raises:
            TimeoutError: it took longer than `seconds`.
            EOFError: the program ended.
            ValueError: what it says is no reply: an engine says what went wrong on standard output too.
        """
        until = time.monotonic() + seconds
        line = json.dumps({"action": action, "arguments": arguments, "bytes": len(body)}).encode() + b"\n"
        threading.Thread(target=self._write, args=(line, body), name=f"probe-{action}", daemon=True).start()
        content = bytearray()
        while True:
            last = json.loads(self._line(until))
            if "piece" not in last:
                return last, bytes(content)
            content += self._take(last["piece"], until)

    def said(self) -> str:
        """The last line that it, or the engine in its place, has printed."""
        self._process.kill()
        self._process.wait()
        self._errors.seek(0)
        text = self._unread + self._output.read() + b"\n" + self._errors.read()
        return last_lines(text.decode(errors="replace"), 1)

    def close(self) -> None:
        """End it; it may hang."""
        self.closed = True
        self._process.kill()
        self._process.wait()
        self._selector.close()
        self._output.close()
        self._errors.close()
        with contextlib.suppress(OSError):  # what could not be written any more
            self._given.close()

    def _write(self, line: bytes, body: bytes) -> None:
        with contextlib.suppress(OSError, ValueError):  # it has ended, which the reader sees as well
            self._given.write(line)
            self._given.write(body)
            self._given.flush()

    def _line(self, until: float) -> bytes:
        while (end := self._unread.find(b"\n")) < 0:
            self._more(until)
        return self._take(end + 1, until)

    def _take(self, size: int, until: float) -> bytes:
        while len(self._unread) < size:
            self._more(until)
        taken = bytes(self._unread[:size])
        del self._unread[:size]
        return taken

    def _more(self, until: float) -> None:
        left = until - time.monotonic()
        if left <= 0 or not self._selector.select(left):
            raise TimeoutError
        block = os.read(self._output.fileno(), _BLOCK)
        if not block:
            raise EOFError
        self._unread += block
