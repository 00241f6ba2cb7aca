"""Once a minute of the local cloud's clock: metrics are published, alarms evaluated, endpoints scaled."""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from glue.localcloud.autoscaling.scaling import Scaler
from glue.localcloud.clock import Clock
from glue.localcloud.monitoring import metric_store
from glue.localcloud.monitoring.alarm_actions import AlarmActions
from glue.localcloud.monitoring.alarm_evaluation import evaluate_all
from glue.localcloud.monitoring.metrics import NAMESPACE, UNITS, Metrics, Series
from glue.localcloud.sagemaker.endpoint import Endpoint
from glue.localcloud.sagemaker.endpoints import Endpoints
from glue.scaling.metrics import Sample

_MINUTE = timedelta(minutes=1)
_MOST_AT_ONCE = 5  # minutes made up for when the machine was busy; after a longer gap their metrics are missing
_PRUNED_EVERY = 60

_log = logging.getLogger(__name__)


class Minutes:
    """The minutes of the clock, one after another."""

    def __init__(
        self,
        endpoints: Endpoints,
        metrics: Metrics,
        actions: AlarmActions,
        scaler: Scaler,
        clock: Clock,
        *,
        publish_others: Callable[[datetime], None] = lambda _: None,
    ) -> None:
        """`publish_others` publishes what is no endpoint's of the minute that began at a moment."""
        self._endpoints = endpoints
        self._metrics = metrics
        self._actions = actions
        self._scaler = scaler
        self._clock = clock
        self._closing = threading.Event()
        self._count = 0
        self._publish_others = publish_others

    def start(self) -> None:
        """Begin with the minute that comes."""
        threading.Thread(target=self._run, name="minutes", daemon=True).start()

    def close(self) -> None:
        """No further minute."""
        self._closing.set()

    def _run(self) -> None:
        done = _floor(self._clock.now())
        while not self._clock.wait(self._closing, (done + _MINUTE - self._clock.now()).total_seconds()):
            last = _floor(self._clock.now())
            for end in passed(done, last):
                try:
                    self.pass_minute(end - _MINUTE, end)
                except Exception:  # noqa: BLE001 - a defect of ours in one minute must not end all that follow
                    _log.exception("the minute until %s", end)
            done = max(done, last)

    def pass_minute(self, start: datetime, end: datetime) -> None:
        """All that is to be done at `end` for the minute that began at `start`."""
        self._publish(start, end)
        self._publish_others(start)
        evaluated = evaluate_all(end)
        for one in evaluated:
            if one.alarm.state_value != one.former:
                self._actions.changed(one.scope, one.alarm, one.former)
        self._scaler.act(evaluated, start, end)

    def _publish(self, start: datetime, end: datetime) -> None:
        values = {series: list(found) for series, found in self._metrics.take().items()}
        for endpoint in self._endpoints.all():
            values |= {series: [value] for series, value in gauges(endpoint, end)}
        for series, found in values.items():
            metric_store.put(
                series.scope,
                NAMESPACE,
                series.name,
                Sample.of(start, found),
                dimensions=series.dimensions,
                unit=UNITS[series.name],
            )
        self._count += 1
        if self._count % _PRUNED_EVERY == 0:
            metric_store.prune(end)


def gauges(endpoint: Endpoint, now: datetime) -> Iterator[tuple[Series, float]]:
    """The backlog of an asynchronous endpoint: requests that wait or are processed.

    Without instances, the backlog per instance is that of one: a policy on it sees a backlog above its target.
    """
    if endpoint.fleet is None or endpoint.async_config is None:
        return
    received = endpoint.queue.received()
    instances = endpoint.instance_count
    oldest = (now - min(received)).total_seconds() if received else 0.0
    found = {
        "ApproximateBacklogSize": len(received),
        "ApproximateBacklogSizePerInstance": len(received) / max(instances, 1),
        "ApproximateAgeOfOldestRequest": max(oldest, 0.0),
        "HasBacklogWithoutCapacity": bool(received) and instances == 0,
    }
    for name, value in found.items():
        yield Series(endpoint.scope, endpoint.name, None, name), float(value)


def _floor(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def passed(done: datetime, last: datetime) -> Iterator[datetime]:
    """The minutes after `done` until `last`, the most recent only when there are many."""
    for number in reversed(range(min((last - done) // _MINUTE, _MOST_AT_ONCE))):
        yield last - number * _MINUTE
