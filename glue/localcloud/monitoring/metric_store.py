"""Samples in moto's CloudWatch: where GetMetricStatistics, GetMetricData and ListMetrics read them, and alarms too.

Not put through the API: on AWS it takes no metrics of AWS's namespaces, and it keeps no values of a summary.
"""

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


def install() -> None:
    """Make moto find a metric by all its dimensions, in any order, as AWS does, and begin periods at multiples."""
    Dimension.__lt__ = lambda one, other: (one.name, one.value) < (other.name, other.value)
    CloudWatchBackend.get_metric_statistics = _get_metric_statistics


def put(scope: Scope, namespace: str, name: str, sample: Sample, *, dimensions: Mapping[str, str], unit: str) -> None:
    """Add a sample to a metric."""
    named = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    datum = _Datum(sample, namespace=namespace, name=name, dimensions=named, unit=unit)
    cloudwatch_backends[scope.account][scope.region].metric_data.append(datum)


def prune(scope: Scope, now: datetime) -> None:
    """Forget what is older than CloudWatch keeps."""
    backend = cloudwatch_backends[scope.account][scope.region]
    kept = [datum for datum in backend.metric_data if now - _moment(datum) <= RETENTION]
    if len(kept) < len(backend.metric_data):
        backend.metric_data[:] = kept


def _get_metric_statistics(
    backend: Any, *asked: Any, dimensions: list[dict[str, str]], unit: str | None = None
) -> list[Statistics]:
    namespace, name, start, end, period, statistics = asked
    if start >= end:
        raise InvalidParameterValue("The parameter StartTime must be less than the parameter EndTime.")
    key = (namespace, name, frozenset((one["Name"], one["Value"]) for one in dimensions))
    found: dict[datetime, Statistics] = {}
    for datum in list(backend.metric_data):
        if _utc(start) <= _moment(datum) < _utc(end) and _key(datum) == key and unit in {None, datum.unit}:
            begun = datetime.fromtimestamp(_moment(datum).timestamp() // period * period, UTC).replace(tzinfo=None)
            found.setdefault(begun, Statistics(statistics, begun, datum.unit)).metric_data.append(datum)
    return [found[begun] for begun in sorted(found)]


def _key(datum: Any) -> Key:
    return datum.namespace, datum.name, frozenset((one.name, one.value) for one in datum.dimensions)


class Samples:
    """The samples of all metrics of an account and region since a moment."""

    def __init__(self, scope: Scope, since: datetime) -> None:
        self._found: dict[Key, list[tuple[str | None, Sample]]] = defaultdict(list)
        for datum in list(cloudwatch_backends[scope.account][scope.region].metric_data):
            moment = _moment(datum)
            if moment >= since:
                sample = _sample(datum, moment)
                if sample is not None:
                    self._found[_key(datum)].append((datum.unit, sample))

    def of(self, key: Key, unit: str | None) -> Sequence[Sample]:
        """The samples of one metric; with `unit`, those in that unit."""
        return [sample for known, sample in self._found.get(key, []) if unit is None or known == unit]


def _moment(datum: Any) -> datetime:
    return _utc(datum.timestamp)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _sample(datum: Any, moment: datetime) -> Sample | None:
    if isinstance(datum, MetricDatum):
        return Sample.of(moment, (datum.value,))
    if not datum.sample_count:
        return None
    values = getattr(datum, "values", ())
    return Sample(moment, datum.min, datum.max, datum.sum, datum.sample_count, values)
