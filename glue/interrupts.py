"""Moments in which an interrupt must wait."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_back() -> Iterator[None]:
    """Hold SIGINT and SIGTERM back until the end of the block, which then raises KeyboardInterrupt.

    Between the start of a process and the moment its owner knows of it, an interrupt would leave it to nobody. Only
    the main thread is interrupted, so that elsewhere nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    former = {
        number: signal.signal(number, lambda number, _: arrived.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
    if arrived:
        raise KeyboardInterrupt
