"""How often functions ran, failed and lost a dead letter, and how long they took, until the minute is published.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

import threading
from collections import defaultdict
from collections.abc import Mapping

from glue.localcloud.accounts import Scope
from glue.localcloud.functions.definition import Definition

Key = tuple[Scope, str, str]
"""Account and region, function, metric."""

UNITS = {"Invocations": "Count", "Errors": "Count", "Duration": "Milliseconds", "DeadLetterErrors": "Count"}


class Counts:
    """The values of the current minute. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[Key, list[float]] = defaultdict(list)

    def ran(self, function: Definition, seconds: float, *, failed: bool) -> None:
        """An invocation ended after `seconds`."""
        for name, value in {"Invocations": 1.0, "Errors": float(failed), "Duration": seconds * 1000}.items():
            self._add(function, name, value)

    def lost(self, function: Definition) -> None:
        """A dead letter could not be sent."""
        self._add(function, "DeadLetterErrors", 1.0)

    def take(self) -> Mapping[Key, list[float]]:
        """All values since the last time."""
        with self._lock:
            taken, self._values = self._values, defaultdict(list)
        return taken

    def _add(self, function: Definition, name: str, value: float) -> None:
        with self._lock:
            self._values[function.scope, function.name, name].append(value)
