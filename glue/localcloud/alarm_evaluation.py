"""Metric alarms of moto's CloudWatch, evaluated by the rules of `glue.scaling.alarms`."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends

from glue.localcloud.accounts import Scope
from glue.localcloud.cloudwatch import change_state
from glue.localcloud.metric_store import Key, Samples
from glue.scaling.alarms import AlarmRule, Evaluation, MissingData, State, evaluate
from glue.scaling.metrics import datapoints, is_statistic

_log = logging.getLogger(__name__)


class NotEvaluatedError(Exception):
    """An alarm that the local cloud does not evaluate, with the reason."""


@dataclass(frozen=True)
class Watch:
    """What an alarm looks at, and when it goes off."""

    key: Key
    statistic: str
    unit: str | None
    rule: AlarmRule

    @property
    def reach(self) -> timedelta:
        """How far back it looks."""
        return timedelta(seconds=self.rule.period * self.rule.evaluation_range)


@dataclass(frozen=True)
class Evaluated:
    """An alarm, its former state, and what it was last evaluated from; `watch` is None when it was not evaluated."""

    scope: Scope
    alarm: Any
    former: str
    watch: Watch | None
    newest: float | None


def watch_of(alarm: Any) -> Watch:
    """What an alarm of moto's watches.

    Raises:
        NotEvaluatedError: it is a composite alarm, or watches a metric math expression or an anomaly detection band.
    """
    if alarm.rule is not None:
        raise NotEvaluatedError("it is a composite alarm")
    queries = alarm.metric_data_queries
    if not queries:
        dimensions, unit = alarm.dimensions, alarm.unit
        place, statistic, period = (alarm.namespace, alarm.metric_name), alarm.statistic, alarm.period
        statistic = statistic or alarm.extended_statistic
    elif len(queries) == 1 and queries[0].metric_stat is not None:
        found = queries[0].metric_stat
        dimensions, unit = found.metric.dimensions, found.unit
        place, statistic, period = (found.metric.namespace, found.metric.metric_name), found.stat, found.period
    else:
        raise NotEvaluatedError("it watches a metric math expression")
    if not is_statistic(statistic):
        raise NotEvaluatedError(f"it watches the statistic {statistic}")
    count = int(alarm.evaluation_periods)
    try:
        rule = AlarmRule(
            alarm.comparison_operator,
            float(alarm.threshold),
            int(period),
            count,
            int(alarm.datapoints_to_alarm or count),
            MissingData(alarm.treat_missing_data or MissingData.MISSING),
        )
    except (TypeError, ValueError) as error:
        raise NotEvaluatedError(str(error)) from error
    named = frozenset((dimension.name, dimension.value) for dimension in dimensions)
    return Watch((*place, named), statistic, unit, rule)


def evaluate_all(end: datetime) -> list[Evaluated]:
    """Evaluate every alarm of every account with the metrics of the minutes before `end`."""
    return [found for scope, backend in _backends() for found in _evaluate_some(scope, backend, end)]


def alarms_in(state: str) -> list[tuple[Scope, Any]]:
    """The alarms of every account that are in `state`."""
    return [
        (scope, alarm)
        for scope, backend in _backends()
        for alarm in list(backend.alarms.values())
        if alarm.state_value == state
    ]


def _backends() -> Iterator[tuple[Scope, Any]]:
    for account, regions in list(cloudwatch_backends.items()):
        for region, backend in list(regions.items()):
            yield Scope(account, region), backend


def _evaluate_some(scope: Scope, backend: Any, end: datetime) -> Iterator[Evaluated]:
    watches: list[tuple[Any, Watch]] = []
    for alarm in list(backend.alarms.values()):
        try:
            watches.append((alarm, watch_of(alarm)))
        except NotEvaluatedError as error:
            yield _leave(scope, backend, alarm, str(error))
    if watches:
        samples = Samples(scope, end - max(watch.reach for _, watch in watches))
        for alarm, watch in watches:
            yield _evaluate(scope, backend, alarm, watch, samples=samples, end=end)


def _leave(scope: Scope, backend: Any, alarm: Any, reason: str) -> Evaluated:
    former = alarm.state_value
    told = f"The local cloud does not evaluate this alarm: {reason}."
    if alarm.state_reason != told and former == State.INSUFFICIENT_DATA:
        _log.warning("alarm %s: %s", alarm.alarm_arn, told)
        change_state(backend, alarm, State.INSUFFICIENT_DATA, told, {})
    return Evaluated(scope, alarm, former, None, None)


def _evaluate(scope: Scope, backend: Any, alarm: Any, watch: Watch, *, samples: Samples, end: datetime) -> Evaluated:
    rule, former = watch.rule, alarm.state_value
    recent = samples.of(watch.key, watch.unit)
    points = datapoints(recent, watch.statistic, end=end, period=rule.period, count=rule.evaluation_range)
    found = evaluate(rule, points, State(former))
    if found.state != former:
        change_state(backend, alarm, found.state, found.reason, _reason_data(watch, found, end))
        _log.info("alarm %s: %s -> %s: %s", alarm.alarm_arn, former, found.state, found.reason)
    newest = found.points[-1].value if found.points else None
    return Evaluated(scope, alarm, former, watch, newest)


def _reason_data(watch: Watch, found: Evaluation, end: datetime) -> dict[str, Any]:
    """The StateReasonData that AWS gives."""
    started = {"startDate": aws_time(found.points[0].moment)} if found.points else {}
    return {
        "version": "1.0",
        "queryDate": aws_time(end),
        **started,
        "statistic": watch.statistic,
        "period": watch.rule.period,
        "recentDatapoints": [point.value for point in found.points],
        "threshold": watch.rule.threshold,
        "evaluatedDatapoints": [
            {"timestamp": aws_time(point.moment), "value": point.value} for point in reversed(found.points)
        ],
    }


def aws_time(moment: datetime) -> str:
    """A time as CloudWatch writes it into documents: `2026-01-01T12:00:00.000+0000`."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"
