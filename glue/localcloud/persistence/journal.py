"""`--persist`: every request that changes something is written down once it succeeded, and repeated at the next start.

Repeating requests needs no knowledge of what moto keeps where, and executes nothing that lies in a file. What is not
kept: log events, metrics, the state of alarms, messages, waiting requests to endpoints, sessions.
"""

import io
import logging
import random
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from moto.s3 import notifications as s3_notifications
from werkzeug.exceptions import ClientDisconnected
from werkzeug.wsgi import get_input_stream

from glue.localcloud.accounts import credential_of
from glue.localcloud.app import Environ, StartResponse
from glue.localcloud.clock import Clock
from glue.localcloud.operations import named_operation
from glue.localcloud.persistence.journal_file import JournalFile
from glue.localcloud.persistence.repeatable import repeatable

Application = Callable[[Environ, StartResponse], Iterable[bytes]]
Document = dict[str, Any]

_CHUNK = 256 * 1024
_LOCKS_OF_OBJECTS = 256
_KEPT_VARIABLES = re.compile(
    r"REQUEST_METHOD|SCRIPT_NAME|PATH_INFO|QUERY_STRING|RAW_URI|REQUEST_URI|CONTENT_.*|HTTP_.*"
)
_SECRET_VARIABLES = frozenset({"HTTP_X_AMZ_SECURITY_TOKEN"})
_READS = re.compile(
    r"(Describe|List|Get|Head|BatchGet|BatchCheck|Search|Simulate|Query|Scan|Lookup|Filter|Test|Validate)"
)
_NOT_KEPT = {
    "sagemaker": re.compile(r"(Create|Update|Delete)Endpoint|UpdateEndpointWeightsAndCapacities|Invoke.*"),
    "sns": re.compile(r"Publish.*"),
    "sqs": re.compile(r"((Send|Receive|Delete)Message|ChangeMessageVisibility)(Batch)?|PurgeQueue"),
    "logs": re.compile(r"PutLogEvents|StartQuery|StopQuery"),
    "monitoring": re.compile(r"PutMetricData|SetAlarmState"),
    "cloudwatch": re.compile(r"PutMetricData|SetAlarmState"),
    "events": re.compile(r"PutEvents"),
    "lambda": re.compile(r"Invoke.*"),
    "sts": re.compile(r".*"),
    "kms": re.compile(r"(Encrypt|Decrypt|ReEncrypt|Generate.*|Sign|Verify.*)"),
}
"""Operations that change what is not kept (endpoints are kept as they are, not as they came to be), by signing name."""

_log = logging.getLogger(__name__)


class Journal:
    """Stands before `application` and writes down in `file` what it is asked to change."""

    def __init__(self, application: Application, file: JournalFile, clock: Clock) -> None:
        self._application = application
        self._file = file
        self._clock = clock
        self._services: dict[str, threading.RLock] = {}
        self._objects = [threading.RLock() for _ in range(_LOCKS_OF_OBJECTS)]

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request; one that changed something is written down before anyone is told that it succeeded."""
        try:
            return self._answer(environ, start_response)
        except ClientDisconnected as gone:  # nothing of it was done
            return gone(environ, start_response)

    def _answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        service = _service(environ)
        body = _Body(environ)
        if service is None or not changes(service, environ, body.start):
            return self._application(environ, start_response)
        kept = self._file.keep(body.chunks())
        with ExitStack() as stack:
            environ["wsgi.input"] = stack.enter_context(self._file.body(kept))
            environ["wsgi.input_terminated"] = True
            statuses: list[str] = []
            now, seed = self._clock.now(), random.getrandbits(64)
            entry = {"at": now.isoformat(), "seed": seed, "body": kept, "environ": _kept(environ)}
            with self._order(service, environ), repeatable(self._clock, now, seed):
                answer = self._application(environ, _noting(statuses, start_response))
                if statuses and statuses[0] < "4":
                    self._file.append(entry)
            return answer

    def record(self, document: Document) -> None:
        """Write down what became of an endpoint."""
        self._file.append({"at": self._clock.now().isoformat(), "endpoint": document})

    def replay(self, restore: Callable[[Document], None]) -> int:
        """Repeat everything, endpoints by `restore`; how many entries there were. No event is sent again.

        The clock goes on where a faster one was: what is kept is never of the future.
        """
        send_event = s3_notifications.send_event
        s3_notifications.send_event = lambda *_, **__: None
        repeated, newest = 0, self._clock.now()
        try:
            for entry in self._file.entries():
                repeated += 1
                newest = max(newest, datetime.fromisoformat(entry["at"]))
                if "endpoint" in entry:
                    restore(entry["endpoint"])
                else:
                    self._repeat(entry)
        finally:
            s3_notifications.send_event = send_event
        self._clock.jump((newest - self._clock.now()).total_seconds())
        return repeated

    def _repeat(self, entry: Document) -> None:
        statuses: list[str] = []
        with self._file.body(entry["body"]) as body:
            environ = {
                **entry["environ"],
                "wsgi.input": body,
                "wsgi.input_terminated": True,
                "wsgi.errors": io.StringIO(),
                "wsgi.version": (1, 0),
                "wsgi.url_scheme": "http",
                "wsgi.multithread": True,
                "wsgi.multiprocess": False,
                "wsgi.run_once": False,
                "SERVER_NAME": "127.0.0.1",
                "SERVER_PORT": "80",
                "SERVER_PROTOCOL": "HTTP/1.1",
                "REMOTE_ADDR": "127.0.0.1",
            }
            with repeatable(self._clock, datetime.fromisoformat(entry["at"]), entry["seed"]):
                for _ in self._application(environ, _noting(statuses, lambda *_: None)):
                    pass
        if not statuses or statuses[0] >= "4":
            what = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} {environ.get('HTTP_X_AMZ_TARGET', '')}"
            _log.warning("could not be repeated: %s answered %s", what, statuses)

    def _order(self, service: str, environ: Environ) -> threading.RLock:
        """What is done one after the other, so that it is repeated as it happened: an S3 object, or a service."""
        path = environ["PATH_INFO"]
        if service == "s3" and path.count("/") > 1:
            return self._objects[hash(path) % _LOCKS_OF_OBJECTS]  # a lock of its own would stay when the object goes
        return self._services.setdefault(service, threading.RLock())


def changes(service: str, environ: Environ, start: bytes) -> bool:
    """Whether a request changes something that is kept. `start` is the beginning of its body."""
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    operation = named_operation(environ, start)
    if operation is None:
        invokes = path.endswith(("/invocations", "/async-invocations"))
        return method not in {"GET", "HEAD", "OPTIONS"} and not invokes
    left_out = _NOT_KEPT.get(service)
    return not _READS.match(operation) and not (left_out and left_out.fullmatch(operation))


class _Body:
    """The body of a request, whose beginning may be looked at."""

    def __init__(self, environ: Environ) -> None:
        self._stream = get_input_stream(environ)
        form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
        self.start = self._stream.read() if form else b""
        if form:
            environ["wsgi.input"] = io.BytesIO(self.start)

    def chunks(self) -> Iterator[bytes]:
        """The whole of it.

        Raises:
            ClientDisconnected: it ends before its length is reached.
        """
        if self.start:
            yield self.start
        while chunk := self._stream.read(_CHUNK):
            yield chunk


def _service(environ: Environ) -> str | None:
    credential = credential_of(environ.get("HTTP_AUTHORIZATION"), dict(parse_qsl(environ.get("QUERY_STRING", ""))))
    return credential.service if credential else None


def _kept(environ: Environ) -> Document:
    """The part of a request's environment from which it can be repeated."""
    kept = {
        name: value
        for name, value in environ.items()
        if isinstance(value, str) and _KEPT_VARIABLES.fullmatch(name) and name not in _SECRET_VARIABLES
    }
    names = environ.get("moto.preserved_header_names")
    return kept | ({"moto.preserved_header_names": names} if names else {})


def _noting(statuses: list[str], start_response: StartResponse) -> StartResponse:
    def start(status: str, *arguments: Any) -> Any:
        statuses.append(status)
        return start_response(status, *arguments)

    return start
