"""Asking the program inside a container (see `probe_program`)."""

import base64
import contextlib
import itertools
import json
import subprocess
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
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
    """A probe in `container`, for a server on `port`. A context that ends it."""

    def __init__(self, container: Container, port: int) -> None:
        self._container = container
        self.port = port
        self._numbers = itertools.count()
        self._pending: dict[int, Future[Any]] = {}
        self._lock = threading.Lock()
        self._process = self._start()
        threading.Thread(target=self._read, name=f"probe-{container.name}", daemon=True).start()

    def http(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        seconds: float,
    ) -> Answer:
        """Send a request to the server.

        Raises:
            ProbeError: it did not answer within `seconds`; the message has the reason.
        """
        encoded = None if body is None else base64.b64encode(body).decode("ascii")
        found = self._ask(
            "exchange",
            seconds,
            port=self.port,
            method=method,
            path=path,
            headers=dict(headers or {}),
            body=encoded,
            timeout=seconds,
        )
        return Answer(
            found["status"],
            found["headers"],
            base64.b64decode(found["body"]),
            found["connect_seconds"],
            found["seconds"],
        )

    def sockets(self) -> Mapping[str, str]:
        """`/proc/net/tcp` and `tcp6` of the container, by the files' names."""
        tables: Mapping[str, str] = self._ask("sockets", _MARGIN_SECONDS)
        return tables

    def memory(self) -> int:
        """The memory in bytes that belongs to the container's processes alone (anonymous)."""
        return int(self._ask("memory", _MARGIN_SECONDS)["anonymous"])

    def close(self) -> None:
        """End the program inside."""
        with contextlib.suppress(OSError, ValueError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(_MARGIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> subprocess.Popen[str]:
        said = ""
        for python in _PYTHONS:
            process = self._container.execute([python, "-I", "-c", PROGRAM.read_text(encoding="utf-8")])
            if self._answers(process):
                return process
            process.kill()
            said = last_lines("\n".join(process.communicate()[::-1]), 1) or said
        if self._container.ended:
            raise ProbeError("the container ended")
        raise ProbeError(f"no Python in the container to look at it with: {last_lines(said, 1)}")

    def _answers(self, process: subprocess.Popen[str]) -> bool:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - opened as pipes
        timer = threading.Timer(_START_SECONDS, process.kill)
        timer.start()
        try:
            process.stdin.write(json.dumps({"id": -1, "action": "sockets", "arguments": {}}) + "\n")
            process.stdin.flush()
            # An engine says what went wrong on standard output too.
            return process.stdout.readline().startswith('{"id": -1')
        except OSError:
            return False
        finally:
            timer.cancel()

    def _ask(self, action: str, seconds: float, **arguments: Any) -> Any:
        number = next(self._numbers)
        waiting: Future[Any] = Future()
        with self._lock:
            self._pending[number] = waiting
            try:
                assert self._process.stdin is not None  # noqa: S101 - opened as a pipe
                self._process.stdin.write(json.dumps({"id": number, "action": action, "arguments": arguments}) + "\n")
                self._process.stdin.flush()
            except (OSError, ValueError) as error:
                raise ProbeError(self._gone()) from error
        try:
            return waiting.result(seconds + _MARGIN_SECONDS)
        except FutureTimeoutError as error:
            raise ProbeError(f"no answer within {seconds:g} s") from error

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - opened as a pipe
        with contextlib.suppress(ValueError):
            for line in self._process.stdout:
                reply = json.loads(line)
                waiting = self._pending.pop(reply["id"], None)
                if waiting is None:
                    continue
                if "error" in reply:
                    waiting.set_exception(ProbeError(reply["error"]))
                else:
                    waiting.set_result(reply["answer"])
        with self._lock:
            for waiting in self._pending.values():
                waiting.set_exception(ProbeError(self._gone()))
            self._pending.clear()

    def _gone(self) -> str:
        return "the container ended" if self._container.ended else "the probe in the container ended"
