"""The state of a metric alarm.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from glue.scaling.metrics import Datapoint


class State(StrEnum):
    """What an alarm says."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class MissingData(StrEnum):
    """What a datapoint that is not there counts as."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


@dataclass(frozen=True)
class AlarmRule:
    """When an alarm goes off: `datapoints_to_alarm` of `evaluation_periods` datapoints breach `threshold`.

    Raises:
        ValueError: a comparison that only an anomaly detection model could make.
    """

    comparison: str
    threshold: float
    period: int
    evaluation_periods: int
    datapoints_to_alarm: int
    missing_data: MissingData = MissingData.MISSING

    def __post_init__(self) -> None:
        if self.comparison not in _COMPARISONS:
            raise ValueError(f"comparison {self.comparison}: evaluated are {', '.join(_COMPARISONS)}")

    @property
    def evaluation_range(self) -> int:
        """Datapoints that are looked at, for the case that some of the most recent ones are missing.

        AWS does not publish the number; its examples have 5 for 3 evaluation periods.
        """
        return self.evaluation_periods + 2

    def breaches(self, point: Datapoint) -> bool:
        """Whether a datapoint is on the wrong side of the threshold."""
        compare, _ = _COMPARISONS[self.comparison]
        return bool(compare(point.value, self.threshold))


@dataclass(frozen=True)
class Evaluation:
    """The state of an alarm, why, and the datapoints that it was read from, oldest first."""

    state: State
    reason: str
    points: tuple[Datapoint, ...]


def evaluate(rule: AlarmRule, points: Sequence[Datapoint | None], state: State) -> Evaluation:
    """The state that follows `state` when the datapoints of the evaluation range are `points`, oldest first.

    With enough real datapoints in the range, the most recent decide and missing ones do not count. With fewer, the
    missing ones are filled in as the rule says, as few as possible. Where missing data stay missing, an alarm goes off
    early once its oldest breaching datapoint is `datapoints_to_alarm` periods old and nothing since was sound.
    """
    real = [point for point in points if point is not None][-rule.evaluation_periods :]
    breaching = [point for point in real if rule.breaches(point)]
    missing = rule.evaluation_periods - len(real)
    if len(breaching) >= rule.datapoints_to_alarm:
        return Evaluation(State.ALARM, _crossed(rule, breaching, real, missing), tuple(real))
    if missing:
        return _with_missing(rule, points, state, real, breaching)
    return Evaluation(State.OK, _crossed(rule, _sound(rule, real), real, 0, holds=False), tuple(real))


def _with_missing(
    rule: AlarmRule,
    points: Sequence[Datapoint | None],
    state: State,
    real: list[Datapoint],
    breaching: list[Datapoint],
) -> Evaluation:
    """The state of an alarm with too few datapoints, whose real ones do not set it off."""
    missing = rule.evaluation_periods - len(real)
    sound = _sound(rule, real)
    evaluated = tuple(real)
    if rule.missing_data is MissingData.BREACHING and len(breaching) + missing >= rule.datapoints_to_alarm:
        return Evaluation(State.ALARM, _filled(rule, breaching, real, missing), evaluated)
    if rule.missing_data is MissingData.IGNORE and not sound:
        return Evaluation(state, "", evaluated)
    if rule.missing_data is MissingData.MISSING and not sound:
        if not real:
            unknown = rule.evaluation_periods
            reason = f"Insufficient Data: {_count(unknown, 'datapoint')} {_were(unknown)} unknown."
            return Evaluation(State.INSUFFICIENT_DATA, reason, evaluated)
        oldest = next(number for number, point in enumerate(reversed(points), start=1) if point is real[0])
        if oldest >= rule.datapoints_to_alarm:
            return Evaluation(State.ALARM, _crossed(rule, breaching, real, missing), evaluated)
    if rule.missing_data in {MissingData.BREACHING, MissingData.NOT_BREACHING}:
        return Evaluation(State.OK, _filled(rule, sound, real, missing, holds=False), evaluated)
    return Evaluation(State.OK, _crossed(rule, sound, real, missing, holds=False), evaluated)


def _sound(rule: AlarmRule, real: Sequence[Datapoint]) -> list[Datapoint]:
    return [point for point in real if not rule.breaches(point)]


def _crossed(
    rule: AlarmRule, named: Sequence[Datapoint], real: Sequence[Datapoint], missing: int, *, holds: bool = True
) -> str:
    """AWS's sentence for a state that real datapoints decided. `holds`: whether `named` are those that breach."""
    words = f"{'' if holds else 'not '}{_COMPARISONS[rule.comparison][1]} the threshold ({float(rule.threshold)})"
    values = ", ".join(f"{float(point.value)} ({point.moment:%d/%m/%y %H:%M:%S})" for point in reversed(named))
    least, change = rule.datapoints_to_alarm, "OK -> ALARM"
    if not holds:
        least, change = rule.evaluation_periods - rule.datapoints_to_alarm + 1, "ALARM -> OK"
    found = f"{len(named)} out of the last {len(real) + missing} datapoints{f' [{values}]' if values else ''}"
    needed = f"(minimum {_count(least, 'datapoint')} for {change} transition)"
    return f"Threshold Crossed: {found} {_were(len(named))} {words} {needed}."


def _filled(
    rule: AlarmRule, named: Sequence[Datapoint], real: Sequence[Datapoint], missing: int, *, holds: bool = True
) -> str:
    """AWS's sentence for a state that needed missing datapoints."""
    kind = "Breaching" if rule.missing_data is MissingData.BREACHING else "NonBreaching"
    treated = f"{_count(missing, 'missing datapoint')} {_were(missing)} treated as [{kind}]."
    if not real:
        return f"Threshold Crossed: no datapoints were received for {_count(missing, 'period')} and {treated}"
    return f"{_crossed(rule, named, real, missing, holds=holds)[:-1]} and {treated}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


_COMPARISONS = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
