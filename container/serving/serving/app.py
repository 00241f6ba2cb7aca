"""The HTTP interface: `GET /ping` and `POST /invocations`."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from serving import logs, payloads
from serving.errors import ClientGone, PayloadTooLarge, RequestTimeout, ServingError, Unavailable
from serving.health import SERVING
from serving.payloads import Payload
from serving.process import Reply, WorkerProcess
from serving.settings import Settings
from serving.supervisor import Supervisor

INFERENCE_ID = "X-Amzn-SageMaker-Inference-Id"
_REFUSAL_HEADERS = {
    408: {"connection": "close"},  # the rest of the body may still be on its way
    413: {"connection": "close"},
    503: {"retry-after": "1"},
}

_MAX_ID = 256
_PATIENCE_SECONDS = 0.1
"""Within this time no client is asked whether it is still there: asking costs a fifth of a small request."""


def create_app(supervisor: Supervisor, settings: Settings) -> Starlette:
    """The ASGI application in front of `supervisor`."""

    async def ping(_: Request) -> Response:
        state = supervisor.state
        return JSONResponse({"status": state.value}, 200 if state in SERVING else 503)

    return Starlette(
        routes=[
            Route("/ping", ping, methods=["GET"]),
            Route("/invocations", Invocations(supervisor, settings), methods=["POST"]),
        ],
        exception_handlers={HTTPException: _http_error, Exception: _internal_error},
    )


class Invocations:
    """Runs requests, and writes one record for each into the log."""

    def __init__(self, supervisor: Supervisor, settings: Settings) -> None:
        self._supervisor = supervisor
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        record: dict[str, Any] = {
            "inference_id": request.headers.get(INFERENCE_ID, "")[:_MAX_ID] or None,
            "outcome": "aborted",
        }
        start = time.perf_counter()
        try:
            reply = await self._run(request, record)
            with contextlib.closing(reply.payload):
                response = _response(reply, record)
                if await _is_gone(request, start):
                    record["outcome"] = "client_disconnected"
                await response(scope, receive, send)
        except (ClientDisconnect, ClientGone):
            record["outcome"] = "client_disconnected"
        except ServingError as error:
            record |= {"outcome": error.code, "status": error.status_code, "message": str(error)}
            headers = _REFUSAL_HEADERS.get(error.status_code)
            await _error(error.status_code, error.code, str(error), headers)(scope, receive, send)
        finally:
            record["total_ms"] = _milliseconds(start)
            logs.write("request", level="error" if record.get("status", 0) >= 500 else "info", **record)

    async def _run(self, request: Request, record: dict[str, Any]) -> Reply:
        """The worker's reply, for which the request holds a slot; notes in `record` what happens on the way."""
        body = _Body(request)
        try:
            self._supervisor.take_slot()
            try:
                payload = await self._collect(request, body)
                record["request_bytes"] = payload.size
                with contextlib.closing(payload):
                    return await self._call(request, payload, record)
            finally:
                self._supervisor.free_slot()
        except (Unavailable, PayloadTooLarge):
            if "expect" not in request.headers:
                await self._discard(body)
            raise

    async def _call(self, request: Request, payload: Payload, record: dict[str, Any]) -> Reply:
        start = time.perf_counter()
        worker = await self._supervisor.acquire()
        record |= {"queue_ms": _milliseconds(start), "worker": worker.pid}
        if await _is_gone(request, start):
            self._supervisor.release(worker)
            raise ClientGone
        header = {
            "inference_id": record["inference_id"],
            "content_type": request.headers.get("content-type", "application/octet-stream"),
            "accept": request.headers.get("accept", ""),
            "headers": dict(request.headers),
        }
        with _watching(request, worker):
            return await self._supervisor.run(worker, header, payload)

    async def _collect(self, request: Request, body: "_Body") -> Payload:
        limit, name = self._settings.max_request_bytes, self._settings.max_request_name
        length = request.headers.get("content-length", "0")
        if length.isdecimal() and int(length) > limit:
            raise PayloadTooLarge(f"the body of {length} bytes is larger than the {limit} bytes that {name} allows")
        settings = self._settings
        try:
            async with asyncio.timeout(settings.timeout):
                return await payloads.collect(body.chunks(), limit=limit, limit_name=name)
        except TimeoutError:
            message = (
                f"the body did not arrive within the {settings.timeout} seconds that {settings.timeout_name} allows"
            )
            raise RequestTimeout(message) from None

    async def _discard(self, body: "_Body") -> None:
        """Read what the client still sends: an answer given while it does could be lost with the connection."""
        size = 0
        async for chunk in body.chunks():
            size += len(chunk)
            if size > self._settings.max_request_bytes:
                return


@contextlib.contextmanager
def _watching(request: Request, worker: WorkerProcess) -> Iterator[None]:
    """Have the worker give up the request when its client hangs up: a platform does that at its own time limit, and the
    next request must not wait for an answer that nobody wants any more."""
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[None]] = []

    async def give_up_when_gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        worker.give_up()

    handle = loop.call_later(_PATIENCE_SECONDS, lambda: tasks.append(loop.create_task(give_up_when_gone())))
    try:
        yield
    finally:
        handle.cancel()
        for task in tasks:
            task.cancel()


async def _is_gone(request: Request, since: float) -> bool:
    return time.perf_counter() - since > _PATIENCE_SECONDS and await request.is_disconnected()


class _Body:
    """The body of a request as it arrives; reading can be left and taken up again."""

    def __init__(self, request: Request) -> None:
        self._receive = request.receive
        self._finished = False

    async def chunks(self) -> AsyncIterator[bytes]:
        """What has not been read yet.

        Raises:
            ClientDisconnect: the client left before the end.
        """
        while not self._finished:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            self._finished = not message.get("more_body", False)
            yield message.get("body", b"")


def _response(reply: Reply, record: dict[str, Any]) -> Response:
    """The response for a worker's reply, which is noted in `record`."""
    header = reply.header
    status: int = header["status"]
    record |= header["timings"] | {"status": status}
    if "code" in header:
        record |= {"outcome": header["code"], "message": header["message"], "traceback": header.get("traceback")}
        return _error(status, header["code"], header["message"])
    record |= {"outcome": "ok" if status < 400 else "handler_status", "response_bytes": reply.payload.size}
    headers = {**header["headers"], "content-type": header["content_type"], "content-length": str(reply.payload.size)}
    if reply.payload.file is None:
        return Response(reply.payload.data, status, headers)
    return StreamingResponse(reply.payload.chunks(), status, headers)


def _error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


async def _http_error(_: Request, error: Exception) -> Response:
    """No such path, or no such method there."""
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    phrase = HTTPStatus(status).phrase
    return _error(
        status, phrase.lower().replace(" ", "_"), f"{phrase}: GET /ping and POST /invocations are served", headers
    )


async def _internal_error(_: Request, error: Exception) -> Response:
    """A fault of the server itself, which its log describes."""
    return _error(500, "internal_error", f"the server failed: {type(error).__name__}")


def _milliseconds(start: float) -> float:
    return round((time.perf_counter() - start) * 1000, 3)
