"""The log: one JSON object a line on standard output. Bodies of requests and responses are never in it."""

import asyncio
import contextlib
import logging
import os
import select
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from serving import documents

_BEHIND_BYTES = 1 << 20
_MOST_BYTES = 16 << 20
"""When so much waits for whoever reads the log, further records are lost, rather than the memory for requests."""
_LAST_MILLISECONDS = 1000


def write(event: str, *, level: str = "info", **fields: Any) -> None:
    """Write the record of `event`; fields that are None are left out."""
    record: dict[str, Any] = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level}
    record["event"] = event
    record |= {name: value for name, value in fields.items() if value is not None}
    line = documents.encode(record)
    if _output is not None:
        _output.write(line)
        return
    with contextlib.suppress(BrokenPipeError):  # whoever read the log is gone; requests matter more
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.flush()


@contextlib.contextmanager
def together(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Meanwhile write the records of one turn of the event loop at once, and never let it wait for who reads them."""
    global _output  # noqa: PLW0603 - there is one standard output
    _output = _Output(loop)
    try:
        yield
    finally:
        _output.close()
        _output = None


def wait_if_behind(resume: Callable[[], None]) -> bool:
    """Whether so much waits to be written that what can wait elsewhere should, until `resume` is called."""
    return _output is not None and _output.wait_if_behind(resume)


class _Output:
    """Standard output, as the event loop writes it: for small requests, writing is what costs."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._descriptor = sys.stdout.fileno()
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLOUT)
        self._waiting = bytearray()
        self._is_full = False
        self._scheduled = False
        self._lost = 0
        self._resume: list[Callable[[], None]] = []

    def write(self, line: bytes) -> None:
        if len(self._waiting) > _MOST_BYTES:
            self._lost += 1
            return
        self._waiting += line
        self._waiting += b"\n"
        if not self._scheduled and not self._is_full:
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def wait_if_behind(self, resume: Callable[[], None]) -> bool:
        if len(self._waiting) <= _BEHIND_BYTES:
            return False
        self._resume.append(resume)
        return True

    def _flush(self) -> None:
        self._scheduled = False
        self._push(0)
        if self._waiting and not self._is_full:
            self._is_full = True
            self._loop.add_writer(self._descriptor, self._flush)
        elif self._is_full and not self._waiting:
            self._is_full = False
            self._loop.remove_writer(self._descriptor)
            self._caught_up()

    def _push(self, milliseconds: int) -> None:
        """Write as long as there is room within this time; whole lines, if they are not too long.

        A pipe that has room has it for `PIPE_BUF` bytes: https://man7.org/linux/man-pages/man7/pipe.7.html
        """
        try:
            while self._waiting and self._poll.poll(milliseconds):
                end = len(self._waiting)
                if end > select.PIPE_BUF:
                    end = self._waiting.rfind(b"\n", 0, select.PIPE_BUF) + 1 or select.PIPE_BUF
                with memoryview(self._waiting) as view:
                    written = os.write(self._descriptor, view[:end])
                del self._waiting[:written]
        except BlockingIOError:
            pass  # somebody else's setting of the pipe; there will be room
        except OSError:
            self._waiting.clear()  # who read it is gone, or the disk is full; requests matter more

    def _caught_up(self) -> None:
        lost, self._lost = self._lost, 0
        if lost:
            write("log_lost", level="error", message=f"{lost} records were lost: nobody read the log")
        calls, self._resume = self._resume, []
        for call in calls:
            call()

    def close(self) -> None:
        """Write what is left, if it is read."""
        if self._is_full:
            self._loop.remove_writer(self._descriptor)
        self._push(_LAST_MILLISECONDS)


_output: _Output | None = None


class Bridge(logging.Handler):
    """Turns what libraries log through `logging` into records of this log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write `record` with its logger and, if it has one, its traceback."""
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else None
        message = record.getMessage()
        write("library", level=record.levelname.lower(), logger=record.name, message=message, traceback=trace)
