"""The ASGI application: `GET /ping`, `POST /invocations` and, where it is on, `GET /metrics`.

It needs no web framework: routing and request objects of one took a third of the time of a small request
(docs/decisions/0041-the-path-of-a-small-request.md).
"""

import asyncio
import contextlib
import time
import traceback
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from serving import logs, payloads
from serving.arrivals import Arrivals
from serving.errors import ClientGone, PayloadTooLarge, ServingError, Unavailable
from serving.health import SERVING
from serving.http import Exchange, Headers, Receive, Scope, Send
from serving.payloads import Payload
from serving.process import Reply
from serving.settings import Settings
from serving.supervisor import Supervisor

if TYPE_CHECKING:  # few servers have metrics, and what they need
    from serving.metrics import Metrics

INFERENCE_ID = "x-amzn-sagemaker-inference-id"
_MAX_ID = 256
_DISCARD_SECONDS = 30
"""How long a client whose request is refused may go on sending it before it is answered."""

_CLOSE = (b"connection", b"close")
_RETRY = (b"retry-after", b"1")


class App:
    """Routes requests."""

    def __init__(self, supervisor: Supervisor, settings: Settings, metrics: "Metrics | None" = None) -> None:
        self._supervisor = supervisor
        self._metrics = metrics
        self._routes: dict[str, tuple[tuple[str, ...], Callable[[Exchange], Awaitable[None]]]] = {
            "/ping": (("GET", "HEAD"), self._ping),
            "/invocations": (("POST",), Invocations(supervisor, settings, metrics)),
        }
        if metrics is not None:
            self._routes["/metrics"] = (("GET", "HEAD"), self._show_metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = Exchange(scope, receive, send)
        route = self._routes.get(exchange.path)
        if route is None:
            await self._refuse(exchange, HTTPStatus.NOT_FOUND, [])
            return
        methods, handle = route
        if exchange.method in methods:
            await handle(exchange)
        else:
            await self._refuse(exchange, HTTPStatus.METHOD_NOT_ALLOWED, [(b"allow", ", ".join(methods).encode())])

    async def _ping(self, exchange: Exchange) -> None:
        state = self._supervisor.state
        await exchange.answer_json(200 if state in SERVING else 503, {"status": state.value})

    async def _show_metrics(self, exchange: Exchange) -> None:
        assert self._metrics is not None  # noqa: S101 - without it nothing leads here
        text = Payload.of(self._metrics.text())
        await exchange.answer(200, [(b"content-type", self._metrics.content_type)], text)

    async def _refuse(self, exchange: Exchange, status: HTTPStatus, headers: Headers) -> None:
        served = " and ".join(f"{methods[0]} {path}" for path, (methods, _) in self._routes.items())
        code = status.phrase.lower().replace(" ", "_")
        await exchange.refuse(status, code, f"{status.phrase}: {served} are served", headers)


class Invocations:
    """Runs requests, and writes one record for each into the log."""

    def __init__(self, supervisor: Supervisor, settings: Settings, metrics: "Metrics | None") -> None:
        self._supervisor = supervisor
        self._settings = settings
        self._metrics = metrics
        self._arrivals = Arrivals(settings)

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        inference_id = exchange.headers.get(INFERENCE_ID, "")[:_MAX_ID] or None
        record: dict[str, Any] = {"inference_id": inference_id, "outcome": "aborted"}
        start = time.perf_counter()
        try:
            reply = await self._run(exchange, record)
            with contextlib.closing(reply.payload):
                await self._answer(exchange, reply, record)
                reply.payload.recycle()
        except ClientGone:
            record["outcome"] = "client_disconnected"
        except ServingError as error:
            await self._refuse(exchange, error, record)
        except asyncio.CancelledError:  # the server ends, and cannot wait for the rest of the body
            if exchange.answered or self._supervisor.ending is None:
                raise
            await self._refuse(exchange, self._supervisor.ending, record)
        except Exception as error:  # a fault of the server's own
            record |= {"outcome": ServingError.code, "status": 500, "traceback": traceback.format_exc()}
            if exchange.answered:
                raise  # the client must not take what it has for the whole: the connection is cut
            await exchange.refuse(500, ServingError.code, f"the server failed: {type(error).__name__}")
        finally:
            record["total_ms"] = round((time.perf_counter() - start) * 1000, 3)
            logs.write("request", level="error" if record.get("status", 0) >= 500 else "info", **record)
            if self._metrics is not None:
                self._metrics.observe(record)

    async def _refuse(self, exchange: Exchange, error: ServingError, record: dict[str, Any]) -> None:
        """Answer with an error, which is noted in `record`."""
        record |= {"outcome": error.code, "status": error.status_code, "message": str(error)}
        headers = [_RETRY] if isinstance(error, Unavailable) else []
        if not exchange.finished:  # what comes next may be the rest of the body as well as another request
            headers.append(_CLOSE)
        await exchange.refuse(error.status_code, error.code, str(error), headers)

    async def _run(self, exchange: Exchange, record: dict[str, Any]) -> Reply:
        """The worker's reply, for which the request holds a slot; notes in `record` what happens on the way."""
        try:
            self._supervisor.take_slot()
            try:
                payload = await self._collect(exchange)
                record["request_bytes"] = payload.size
                with contextlib.closing(payload):
                    reply = await self._call(exchange, payload, record)
                    payload.recycle()  # the worker has done with it
                    return reply
            finally:
                self._supervisor.free_slot()
        except (Unavailable, PayloadTooLarge):
            if exchange.sends:
                await self._discard(exchange)
            raise

    async def _call(self, exchange: Exchange, payload: Payload, record: dict[str, Any]) -> Reply:
        header = {"inference_id": record["inference_id"], "headers": exchange.headers}
        job = self._supervisor.submit(header, payload, client_gone=exchange.wait_until_gone)
        try:
            return await job.reply
        finally:
            job.close()
            if job.worker is not None:
                record |= {"queue_ms": job.queue_ms, "worker": job.worker.pid}

    async def _collect(self, exchange: Exchange) -> Payload:
        settings = self._settings
        limit, name = settings.max_request_bytes, settings.max_request_name
        announced = exchange.announced
        if announced is not None and announced > limit:
            raise PayloadTooLarge(f"the body of {announced} bytes is larger than the {limit} bytes that {name} allows")
        with self._arrivals.expect(exchange):
            return await payloads.collect(exchange, limit=limit, limit_name=name, announced=announced)

    async def _discard(self, exchange: Exchange) -> None:
        """Read what the client still sends: an answer given while it does could be lost with the connection."""
        size = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DISCARD_SECONDS):
                while not exchange.finished and size <= self._settings.max_request_bytes:
                    size += len(await exchange.read())

    async def _answer(self, exchange: Exchange, reply: Reply, record: dict[str, Any]) -> None:
        """Send a worker's reply, which is noted in `record`."""
        header = reply.header
        status: int = header["status"]
        record |= header["timings"] | {"status": status}
        if "code" in header:
            record |= {"outcome": header["code"], "message": header["message"], "traceback": header.get("traceback")}
            await exchange.refuse(status, header["code"], header["message"])
            return
        record |= {"outcome": "ok" if status < 400 else "handler_status", "response_bytes": reply.payload.size}
        headers = [(name.encode(), value.encode()) for name, value in header["headers"].items()]
        headers.append((b"content-type", header["content_type"].encode()))
        await exchange.answer(status, headers, reply.payload)
