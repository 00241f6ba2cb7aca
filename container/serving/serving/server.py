"""The server process: binds the port, starts the workers, serves until it is told to stop or cannot go on."""

import asyncio
import contextlib
import ctypes
import gc
import logging
import math
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator

from serving import logs
from serving.connections import Stalled, waiting_for_clients
from serving.settings import Settings
from serving.supervisor import Failure, Supervisor

_BACKLOG = 2048
_LOOKS = 15
"""How often connections are looked at within the time that a client may be silent."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_HEAP_BYTES = 8 << 20
_LAST_ANSWERS_SECONDS = 1


def run(settings: Settings) -> int:
    """Serve; returns the exit code: 0 after SIGTERM or SIGINT, 1 when the server cannot start or go on."""
    for warning in settings.warnings:
        logs.write("setting", level="warning", message=warning)
    try:
        listener = _bind(settings.host, settings.port)
    except OSError as error:
        return _report(
            f"cannot listen on SAGEMAKER_BIND_TO_HOST={settings.host} SAGEMAKER_BIND_TO_PORT={settings.port}: "
            f"{error.strerror or error}"
        )
    with listener, asyncio.Runner(loop_factory=_loop_factory()) as runner, logs.together(runner.get_loop()):
        failure = runner.run(_serve(settings, listener))
    if failure is None:
        logs.write("stopped")
        return 0
    return _report(failure.cause, failure.traceback)


async def _serve(settings: Settings, listener: socket.socket) -> Failure | None:
    """Serve on `listener`; returns why the server had to end, None when it was told to."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    supervisor = Supervisor(settings)
    supervisor.start()
    web = _Web(supervisor, settings, listener)  # imports the web server, while the workers are starting
    serving = asyncio.ensure_future(web.serve())
    stopping = asyncio.ensure_future(told.wait())
    _keep_heap()
    gc.freeze()  # what there is now stays: it need not be looked through again and again
    logs.write("listening", host=settings.host, port=listener.getsockname()[1])
    await asyncio.wait((serving, stopping, supervisor.failed), return_when=asyncio.FIRST_COMPLETED)
    failed = supervisor.failed.done()
    if not failed and not serving.done():
        logs.write("draining", grace_seconds=settings.grace)
        supervisor.drain()
        loop.call_later(settings.grace, supervisor.abandon)
    web.stop(_LAST_ANSWERS_SECONDS + (0 if failed else settings.grace))
    stopping.cancel()
    await serving
    await supervisor.close()
    return supervisor.failed.result() if supervisor.failed.done() else None


def _keep_heap() -> None:
    """Have the C library keep the few megabytes through which bodies pass, where it is glibc.

    It would give them back to the kernel after each piece, whose pages cost more to get anew than the piece to copy:
    https://man7.org/linux/man-pages/man3/mallopt.3.html
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
            mallopt(parameter, _HEAP_BYTES)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's event loop where it is installed, which takes half the time of asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        return None
    return uvloop.new_event_loop


class _Web:
    """uvicorn with our application, on a socket that is bound already."""

    def __init__(self, supervisor: Supervisor, settings: Settings, listener: socket.socket) -> None:
        import uvicorn  # noqa: PLC0415 - takes most of the start-up, which goes on beside that of the workers

        from serving.app import App  # noqa: PLC0415
        from serving.protocol import MAX_HEAD_BYTES, Protocol  # noqa: PLC0415

        metrics = None
        if settings.metrics:
            from serving.metrics import Metrics  # noqa: PLC0415

            metrics = Metrics(supervisor)

        class Server(uvicorn.Server):
            @contextlib.contextmanager
            def capture_signals(self) -> Iterator[None]:
                """Leave signals to this module, which lets the running requests end first."""
                yield

        logging.getLogger("uvicorn").addHandler(logs.Bridge(logging.WARNING))
        self._listener = listener
        self._config = uvicorn.Config(
            App(supervisor, settings, metrics),
            http=Protocol,
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_keep_alive=math.ceil(settings.client_silence),
        )
        self._server = Server(self._config)
        self._look_seconds = settings.client_silence / _LOOKS
        self._stalled = Stalled(settings.client_silence)

    async def serve(self) -> None:
        looking = asyncio.ensure_future(self._end_stalled())
        await self._server.serve(sockets=[self._listener])
        looking.cancel()

    async def _end_stalled(self) -> None:
        while True:
            await asyncio.sleep(self._look_seconds)
            waiting = waiting_for_clients(self._server.server_state.connections)
            for connection in self._stalled.found(waiting, time.monotonic()):
                connection.transport.abort()

    def stop(self, seconds: int) -> None:
        """Accept no more connections, and give those that are open so many seconds for their answers."""
        self._config.timeout_graceful_shutdown = seconds
        self._server.should_exit = True


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _report(cause: str, traceback: str | None = None) -> int:
    """Say why the server ends: for programs in the log, for people on standard error."""
    logs.write("failed", level="error", message=cause, traceback=traceback)
    if traceback:
        sys.stderr.write(traceback)
    sys.stderr.write(f"serve: {cause}\n")
    return 1
