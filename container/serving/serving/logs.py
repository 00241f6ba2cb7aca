"""The log: one JSON object a line on standard output. Bodies of requests and responses are never in it."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

_encode = json.JSONEncoder(default=str).encode


def write(event: str, *, level: str = "info", **fields: Any) -> None:
    """Write the record of `event`; fields that are None are left out."""
    record = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level, "event": event}
    record.update((name, value) for name, value in fields.items() if value is not None)
    try:
        sys.stdout.write(_encode(record) + "\n")
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
