"""Lines of the instances on their way to CloudWatch Logs and to files in the local cloud's folder."""

import contextlib
import itertools
import logging
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from glue.localcloud.accounts import Scope
from glue.localcloud.clients import Clients
from glue.localcloud.clock import Clock
from glue.localcloud.compute.runtime import Sink

_PAUSE = 0.2
_BATCH_EVENTS = 1000
_BATCH_BYTES = 900_000  # PutLogEvents takes 1 MiB, with 26 bytes of its own an event
_EVENT_BYTES = 26

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stream:
    """A log stream of an account and region."""

    scope: Scope
    group: str
    name: str


@dataclass(frozen=True)
class _Line:
    stream: Stream
    time: int  # milliseconds since the epoch
    text: str


class LogShipper:
    """Sends lines on in batches, in order within a stream. Nothing that an instance prints can hold it up."""

    def __init__(self, clients: Clients, clock: Clock, folder: Path) -> None:
        self._clients = clients
        self._clock = clock
        self._folder = folder
        self._queue: queue.SimpleQueue[_Line | threading.Event] = queue.SimpleQueue()
        self._known: set[Stream] = set()
        threading.Thread(target=self._run, name="log-shipper", daemon=True).start()

    def sink(self, stream: Stream) -> Sink:
        """Where lines of `stream` are put."""
        self._folder.mkdir(parents=True, exist_ok=True)
        endpoint = stream.group.rpartition("/")[2]
        file = self._folder / f"{stream.scope.account}-{endpoint}-{stream.name.replace('/', '-')}.log"
        lock = threading.Lock()

        def put(text: str) -> None:
            with lock:  # CloudWatch refuses lines that are not in the order of their times
                now = self._clock.now()
                try:
                    with file.open("a", encoding="utf-8") as opened:
                        opened.write(f"{now.isoformat(timespec='milliseconds')} {text}\n")
                except OSError as error:  # such as a full disk: the program goes on, and so does its log in CloudWatch
                    _log.warning("a line is missing in %s: %s", file, error)
                if text:
                    self._queue.put(_Line(stream, int(now.timestamp() * 1000), text))

        return put

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until all lines that were put before are shipped, `timeout` seconds of the machine's clock at most.

        Returns whether they were.
        """
        shipped = threading.Event()
        self._queue.put(shipped)
        return shipped.wait(timeout)

    def _run(self) -> None:
        while True:
            waiting = [self._queue.get()]
            if isinstance(waiting[0], _Line):
                time.sleep(_PAUSE)  # for more to send along
            with contextlib.suppress(queue.Empty):
                while True:
                    waiting.append(self._queue.get_nowait())
            lines = [entry for entry in waiting if isinstance(entry, _Line)]
            for stream, group in itertools.groupby(
                sorted(lines, key=lambda line: str(line.stream)), lambda x: x.stream
            ):
                self._ship(stream, list(group))
            for entry in waiting:
                if isinstance(entry, threading.Event):
                    entry.set()

    def _ship(self, stream: Stream, lines: list[_Line]) -> None:
        logs = self._clients.get(stream.scope, "logs")
        where = {"logGroupName": stream.group, "logStreamName": stream.name}
        try:
            if stream not in self._known:
                with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
                    logs.create_log_group(logGroupName=stream.group)
                with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
                    logs.create_log_stream(**where)
                self._known.add(stream)
            for batch in _batches(lines):
                events = [{"timestamp": line.time, "message": line.text} for line in batch]
                logs.put_log_events(**where, logEvents=events)
        except Exception as error:  # noqa: BLE001 - whatever becomes of these lines, the next ones are shipped
            self._known.discard(stream)
            _log.warning("%d lines of %s/%s not shipped: %r", len(lines), stream.group, stream.name, error)


def _batches(lines: list[_Line]) -> Iterator[list[_Line]]:
    batch: list[_Line] = []
    size = 0
    for line in lines:
        length = len(line.text.encode()) + _EVENT_BYTES
        if batch and (len(batch) == _BATCH_EVENTS or size + length > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += length
    if batch:
        yield batch
