"""Samples in moto's CloudWatch: where GetMetricStatistics, GetMetricData and ListMetrics read them, and alarms too.

Not put through the API: on AWS it takes no metrics of AWS's namespaces, and it keeps no values of a summary.
"""

import threading
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterValue
from moto.cloudwatch.models import (
    CloudWatchBackend,
    Dimension,
    MetricAggregatedDatum,
    MetricDatum,
    Statistics,
    cloudwatch_backends,
)

from glue.localcloud.accounts import Scope
from glue.scaling.metrics import Sample

RETENTION = timedelta(days=15)
"""How long CloudWatch keeps values by the minute.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#metrics-retention
"""

Key = tuple[str, str, frozenset[tuple[str, str]]]
"""What identifies a metric: namespace, name and all its dimensions."""


class _Datum(MetricAggregatedDatum):  # type: ignore[misc]
    """moto's summary of several values, with the values, which percentiles need."""

    def __init__(self, sample: Sample, **place: Any) -> None:
        super().__init__(
            min_stat=sample.minimum,
            max_stat=sample.maximum,
            sample_count=sample.count,
            sum_stat=sample.total,
            timestamp=sample.moment.replace(tzinfo=None),  # moto's times are naive, in UTC
            **place,
        )
        self.values = sample.values


class _Data(list[Any]):
    """The data of an account and region, as a list for moto. Those of a metric since a moment are found at once."""

    def __init__(self) -> None:
        super().__init__()
        self._by_metric: dict[Key, list[Any]] = defaultdict(list)
        self._lock = threading.Lock()

    def append(self, datum: Any) -> None:
        with self._lock:
            super().append(datum)
            insort(self._by_metric[_key(datum)], datum, key=_moment)

    def since(self, moment: datetime, key: Key) -> list[Any]:
        """The data of a metric from `moment` on, oldest first."""
        with self._lock:
            found = self._by_metric.get(key, [])
            return found[bisect_left(found, moment, key=_moment) :]

    def forget(self, before: datetime) -> None:
        """Drop what is older."""
        with self._lock:
            self[:] = [datum for datum in self if _moment(datum) >= before]
            for key, found in list(self._by_metric.items()):
                del found[: bisect_left(found, before, key=_moment)]
                if not found:
                    del self._by_metric[key]


def install() -> None:
    """Make moto find a metric by all its dimensions, in any order, as AWS does, and begin periods at multiples."""
    create = CloudWatchBackend.__init__

    def begin(backend: Any, *arguments: Any, **options: Any) -> None:
        create(backend, *arguments, **options)
        backend.metric_data = _Data()

    CloudWatchBackend.__init__ = begin
    Dimension.__lt__ = lambda one, other: (one.name, one.value) < (other.name, other.value)
    CloudWatchBackend.get_metric_statistics = _get_metric_statistics


def put(scope: Scope, namespace: str, name: str, sample: Sample, *, dimensions: Mapping[str, str], unit: str) -> None:
    """Add a sample to a metric."""
    named = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    datum = _Datum(sample, namespace=namespace, name=name, dimensions=named, unit=unit)
    cloudwatch_backends[scope.account][scope.region].metric_data.append(datum)


def prune(now: datetime) -> None:
    """Forget what is older than CloudWatch keeps, of every account and region."""
    for regions in list(cloudwatch_backends.values()):
        for backend in list(regions.values()):
            backend.metric_data.forget(now - RETENTION)


def _get_metric_statistics(
    backend: Any, *asked: Any, dimensions: list[dict[str, str]], unit: str | None = None
) -> list[Statistics]:
    namespace, name, start, end, period, statistics = asked
    if start >= end:
        raise InvalidParameterValue("The parameter StartTime must be less than the parameter EndTime.")
    key = (namespace, name, frozenset((one["Name"], one["Value"]) for one in dimensions))
    found: dict[datetime, Statistics] = {}
    for datum in backend.metric_data.since(_utc(start), key):
        if _moment(datum) < _utc(end) and unit in {None, datum.unit}:
            begun = datetime.fromtimestamp(_moment(datum).timestamp() // period * period, UTC).replace(tzinfo=None)
            found.setdefault(begun, Statistics(statistics, begun, datum.unit)).metric_data.append(datum)
    return [found[begun] for begun in sorted(found)]


def _key(datum: Any) -> Key:
    return datum.namespace, datum.name, frozenset((one.name, one.value) for one in datum.dimensions)


def samples(scope: Scope, key: Key, unit: str | None, since: datetime) -> Sequence[Sample]:
    """The samples of a metric from the moment `since` on; with `unit`, those in that unit."""
    data = cloudwatch_backends[scope.account][scope.region].metric_data.since(since, key)
    found = [_sample(datum) for datum in data if unit in {None, datum.unit}]
    return [sample for sample in found if sample is not None]


def _moment(datum: Any) -> datetime:
    return _utc(datum.timestamp)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _sample(datum: Any) -> Sample | None:
    moment = _moment(datum)
    if isinstance(datum, MetricDatum):
        return Sample.of(moment, (datum.value,))
    if not datum.sample_count:
        return None
    values = getattr(datum, "values", ())
    return Sample(moment, datum.min, datum.max, datum.sum, datum.sample_count, values)
