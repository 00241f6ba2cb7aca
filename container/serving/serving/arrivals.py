"""Requests whose bodies are on their way, and the end of those that are late."""

import asyncio
import time
from types import TracebackType
from typing import Any

from serving.errors import RequestTimeout
from serving.http import Exchange
from serving.settings import Settings

_LATE = "the body is late"
_LOOKS = 15
"""How often all are looked at within the shorter of the two times that they have: cheaper than a timer for each."""


class Arrivals:
    """Lives on one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._every = min(settings.timeout, settings.client_silence) / _LOOKS
        self.tasks: dict[Exchange, asyncio.Task[Any]] = {}
        """What reads each of the bodies."""
        self._look()

    def expect(self, exchange: Exchange) -> "_Arrival":
        """Inside, the body is read. When it is late as a whole, or its client silent for too long, that ends.

        Raises:
            RequestTimeout: so it did; the message says which.
        """
        return _Arrival(self, exchange)

    def _look(self) -> None:
        now = time.monotonic()
        for exchange, task in self.tasks.items():
            if self._is_late(exchange, now) or now - exchange.heard >= self._settings.client_silence:
                task.cancel(_LATE)
        self._loop.call_later(self._every, self._look)

    def _is_late(self, exchange: Exchange, now: float) -> bool:
        return now - exchange.came >= self._settings.timeout

    def reason(self, exchange: Exchange) -> RequestTimeout:
        """Why a body was given up."""
        settings = self._settings
        if self._is_late(exchange, time.monotonic()):
            allowed = f"{settings.timeout} seconds that {settings.timeout_name} allows"
            return RequestTimeout(f"the body did not arrive within the {allowed}")
        return RequestTimeout(
            f"the client was silent for {settings.client_silence:g} seconds before the body was complete"
        )


class _Arrival:
    """One body. A class, since the standard library's context managers cost a twentieth of a small request."""

    __slots__ = ("_arrivals", "_exchange")

    def __init__(self, arrivals: Arrivals, exchange: Exchange) -> None:
        self._arrivals = arrivals
        self._exchange = exchange

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - what runs here is one
        self._arrivals.tasks[self._exchange] = task

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        task = self._arrivals.tasks.pop(self._exchange)
        if isinstance(error, asyncio.CancelledError) and error.args == (_LATE,):
            task.uncancel()
            raise self._arrivals.reason(self._exchange) from None
