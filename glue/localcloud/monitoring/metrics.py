"""What happens to requests, counted and timed until the minute's metrics are published.

Names, dimensions and units: https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html. By that page,
OverheadLatency, Invocations and InvocationsPerInstance are not published for asynchronous endpoints.
"""

import contextlib
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from glue.localcloud.accounts import Scope
from glue.localcloud.clock import Clock

NAMESPACE = "AWS/SageMaker"

UNITS = {
    "ApproximateAgeOfOldestRequest": "Seconds",
    "ApproximateBacklogSize": "Count",
    "ApproximateBacklogSizePerInstance": "Count",
    "ExpiredRequests": "Count",
    "HasBacklogWithoutCapacity": "Count",
    "Invocation4XXErrors": "None",
    "Invocation5XXErrors": "None",
    "InvocationFailures": "Count",
    "InvocationsProcessed": "Count",
    "ModelLatency": "Microseconds",
    "NotificationFailures": "Count",
    "RequestDownloadFailures": "Count",
    "RequestDownloadLatency": "Microseconds",
    "ResponseUploadFailures": "Count",
    "ResponseUploadLatency": "Microseconds",
    "TimeInBacklog": "Microseconds",
    "TotalProcessingTime": "Milliseconds",
}
"""The unit of each metric."""

_PER_SECOND = {"Microseconds": 1_000_000, "Milliseconds": 1_000, "Seconds": 1}


@dataclass(frozen=True)
class Series:
    """A metric of an endpoint, or of one of its variants."""

    scope: Scope
    endpoint: str
    variant: str | None
    name: str

    @property
    def dimensions(self) -> Mapping[str, str]:
        """As CloudWatch has them."""
        named = {"EndpointName": self.endpoint}
        return named if self.variant is None else named | {"VariantName": self.variant}


class Metrics:
    """The values of the current minute. Safe to share between threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._values: dict[Series, list[float]] = defaultdict(list)
        self._lock = threading.Lock()

    def of(self, scope: Scope, endpoint: str, variant: str) -> "RequestMetrics":
        """Where the requests of a variant are counted and timed."""
        return RequestMetrics(self, self._clock, scope, endpoint, variant)

    def add(self, series: Series, value: float) -> None:
        """Another value of a metric."""
        with self._lock:
            self._values[series].append(value)

    def take(self) -> Mapping[Series, list[float]]:
        """What came together since the last time."""
        with self._lock:
            values, self._values = self._values, defaultdict(list)
            return values


@dataclass(frozen=True)
class RequestMetrics:
    """The metrics of one variant's requests."""

    _metrics: Metrics
    _clock: Clock
    _scope: Scope
    _endpoint: str
    _variant: str

    def count(self, name: str, number: int = 1) -> None:
        """Add to a counter; 0 is a value too."""
        self._add(name, number)

    def lasted(self, name: str, seconds: float) -> None:
        """Add a duration, in seconds of the clock."""
        self._add(name, seconds * _PER_SECOND[UNITS[name]])

    def answered(self, status: int) -> None:
        """Count the status that a container answered."""
        self._add("Invocation4XXErrors", 400 <= status < 500)
        self._add("Invocation5XXErrors", 500 <= status < 600)

    @contextlib.contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Add the time that the block takes; nothing when it fails."""
        started = self._clock.elapsed()
        yield
        self.lasted(name, self._clock.elapsed() - started)

    def _add(self, name: str, value: float) -> None:
        self._metrics.add(Series(self._scope, self._endpoint, self._variant, name), float(value))
