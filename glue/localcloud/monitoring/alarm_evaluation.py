"""Metric alarms of moto's CloudWatch, evaluated by the rules of `glue.scaling.alarms`."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends

from glue.localcloud.accounts import Scope
from glue.localcloud.monitoring.cloudwatch import change_state
from glue.localcloud.monitoring.metric_store import Key, samples
from glue.scaling.alarms import AlarmRule, Evaluation, MissingData, State, evaluate
from glue.scaling.metric_math import ExpressionError, evaluate_expression
from glue.scaling.metrics import Datapoint, datapoints, is_statistic

_log = logging.getLogger(__name__)


class NotEvaluatedError(Exception):
    """An alarm that the local cloud does not evaluate, with the reason."""


@dataclass(frozen=True)
class Term:
    """A statistic of a metric."""

    key: Key
    statistic: str
    unit: str | None


@dataclass(frozen=True)
class Watch:
    """What an alarm looks at, and when it goes off: one term, or an expression over several by their id."""

    terms: Mapping[str, Term]
    expression: str | None
    rule: AlarmRule

    @property
    def reach(self) -> timedelta:
        """How far back it looks."""
        return timedelta(seconds=self.rule.period * self.rule.evaluation_range)

    @property
    def statistic(self) -> str:
        """What it is told to be in reasons."""
        return self.expression or next(iter(self.terms.values())).statistic

    def points(self, scope: Scope, end: datetime) -> list[Datapoint | None]:
        """The datapoints of its evaluation range, oldest first.

        Raises:
            NotEvaluatedError: its expression has something that is not evaluated.
        """
        period, count = self.rule.period, self.rule.evaluation_range
        found = {
            name: datapoints(
                samples(scope, term.key, term.unit, end - self.reach),
                term.statistic,
                end=end,
                period=period,
                count=count,
            )
            for name, term in self.terms.items()
        }
        if self.expression is None:
            return next(iter(found.values()))
        metrics = {name: [point.value if point else None for point in points] for name, points in found.items()}
        try:
            values = evaluate_expression(self.expression, metrics, count)
        except ExpressionError as error:
            raise NotEvaluatedError(f"it watches metric math, of which {error}") from error
        first = end - count * timedelta(seconds=period)
        moments = [first + number * timedelta(seconds=period) for number in range(count)]
        return [
            None if value is None else Datapoint(moment, value) for moment, value in zip(moments, values, strict=True)
        ]


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
        NotEvaluatedError: it is a composite alarm, or watches something else than statistics of metrics of its account.
    """
    if alarm.rule is not None:
        raise NotEvaluatedError("it is a composite alarm")
    terms, expression, period = _queried(alarm) if alarm.metric_data_queries else _plain(alarm)
    for term in terms.values():
        if not is_statistic(term.statistic):
            raise NotEvaluatedError(f"it watches the statistic {term.statistic}")
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
    return Watch(terms, expression, rule)


def _plain(alarm: Any) -> tuple[dict[str, Term], None, Any]:
    statistic = alarm.statistic or alarm.extended_statistic
    key = (alarm.namespace, alarm.metric_name, _dimensions(alarm.dimensions))
    return {"": Term(key, statistic, alarm.unit)}, None, alarm.period


def _queried(alarm: Any) -> tuple[dict[str, Term], str | None, Any]:
    """The terms of an alarm on metric queries, its expression, and their period."""
    terms: dict[str, Term] = {}
    expressions: list[str] = []
    periods: set[Any] = set()
    for query in alarm.metric_data_queries:
        stat = query.metric_stat
        if stat is None:
            expressions.append(query.expression or "")
            continue
        key = (stat.metric.namespace, stat.metric.metric_name, _dimensions(stat.metric.dimensions))
        terms[query.id] = Term(key, stat.stat, stat.unit)
        periods.add(stat.period)
    if len(expressions) > 1 or not terms or (not expressions and len(terms) > 1):
        raise NotEvaluatedError("it watches metric math of several expressions, or of none")
    if len(periods) > 1:
        raise NotEvaluatedError("it watches metrics with different periods")
    return terms, expressions[0] if expressions else None, periods.pop()


def _dimensions(dimensions: Iterable[Any]) -> frozenset[tuple[str, str]]:
    return frozenset((dimension.name, dimension.value) for dimension in dimensions)


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
    for alarm in list(backend.alarms.values()):
        try:
            watch = watch_of(alarm)
            points = watch.points(scope, end)
        except NotEvaluatedError as error:
            yield _leave(scope, backend, alarm, str(error))
        else:
            yield _evaluate(scope, backend, alarm, watch, points=points, end=end)


def _leave(scope: Scope, backend: Any, alarm: Any, reason: str) -> Evaluated:
    former = alarm.state_value
    told = f"The local cloud does not evaluate this alarm: {reason}."
    if alarm.state_reason != told and former == State.INSUFFICIENT_DATA:
        _log.warning("alarm %s: %s", alarm.alarm_arn, told)
        change_state(backend, alarm, State.INSUFFICIENT_DATA, told, {})
    return Evaluated(scope, alarm, former, None, None)


def _evaluate(
    scope: Scope, backend: Any, alarm: Any, watch: Watch, *, points: Sequence[Datapoint | None], end: datetime
) -> Evaluated:
    rule, former = watch.rule, alarm.state_value
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
