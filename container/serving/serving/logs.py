"""The log: one JSON object a line on standard output. Bodies of requests and responses are never in it."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from serving import documents

_lines: list[bytes] = []
_loop: asyncio.AbstractEventLoop | None = None


def write(event: str, *, level: str = "info", **fields: Any) -> None:
    """Write the record of `event`; fields that are None are left out."""
    record: dict[str, Any] = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level}
    record["event"] = event
    record |= {name: value for name, value in fields.items() if value is not None}
    _lines.append(documents.encode(record))
    if _loop is None:
        flush()
    elif len(_lines) == 1:
        _loop.call_soon(flush)


@contextlib.contextmanager
def together(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Meanwhile write the records of one turn of the event loop at once: for small requests, writing is what costs."""
    global _loop  # noqa: PLW0603 - there is one standard output
    _loop = loop
    try:
        yield
    finally:
        _loop = None
        flush()


def flush() -> None:
    """Write what has not been written yet."""
    if not _lines:
        return
    text = b"\n".join([*_lines, b""])
    _lines.clear()
    try:
        sys.stdout.buffer.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # whoever read the log is gone; requests matter more


class Bridge(logging.Handler):
    """Turns what libraries log through `logging` into records of this log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write `record` with its logger and, if it has one, its traceback."""
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else None
        message = record.getMessage()
        write("library", level=record.levelname.lower(), logger=record.name, message=message, traceback=trace)
