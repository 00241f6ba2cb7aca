"""Times that are promises, judged so that other work of the machine does not count."""

import math
import time
from collections.abc import Callable


def least(measure: Callable[[], float], *, limit: float) -> float:
    """What `measure` gives: in the first of five tries below `limit`, else the least. A few may be delayed."""
    found = math.inf
    for _ in range(5):
        found = min(found, measure())
        if found < limit:
            break
    return found


def seconds_of(act: Callable[[], object]) -> float:
    """The seconds that `act` takes."""
    started = time.monotonic()
    act()
    return time.monotonic() - started


def quickest(act: Callable[[], object], *, limit: float, before: Callable[[], object] = lambda: None) -> float:
    """The seconds that `act` takes, as `least` has them. What is done `before` each try does not count."""

    def measure() -> float:
        before()
        return seconds_of(act)

    return least(measure, limit=limit)
