"""When a scheduled action is due: `at(…)`, `rate(…)` and `cron(…)`.

https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aws_croniter import AwsCroniter

_FORM = re.compile(r"(at|rate|cron)\((.+)\)")
_RATE = re.compile(r"(\d+) (minute|hour|day)s?")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


class ScheduleError(ValueError):
    """Not an expression of one of the three forms."""


@dataclass(frozen=True)
class Schedule:
    """When something happens. `start` and `end` bound it; a rate is counted from `start`.

    Raises:
        ScheduleError: `expression` or `timezone` is none.
    """

    expression: str
    start: datetime
    end: datetime | None = None
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ScheduleError(f"time zone {self.timezone}: expected one such as UTC or Europe/Berlin") from error
        self._next(self.start)

    def due(self, after: datetime, until: datetime) -> bool:
        """Whether it happens after `after`, at `until` at the latest."""
        moment = self._next(max(after, self.start - timedelta(seconds=1)))
        if moment is None or moment > until:
            return False
        return self.end is None or moment <= self.end

    def _next(self, after: datetime) -> datetime | None:
        match = _FORM.fullmatch(self.expression)
        if match is None:
            raise ScheduleError(f"{self.expression}: expected at(yyyy-mm-ddThh:mm:ss), rate(5 minutes) or cron(…)")
        moment = {"at": self._at, "rate": self._rate, "cron": self._cron}[match[1]](match[2], after)
        return moment if moment is None or moment > after else None

    def _at(self, text: str, _after: datetime) -> datetime:
        try:
            moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 - the time zone is a field of its own
        except ValueError as error:
            raise ScheduleError(f"at({text}): expected at(yyyy-mm-ddThh:mm:ss)") from error
        return moment.replace(tzinfo=self._zone).astimezone(UTC)

    def _rate(self, text: str, after: datetime) -> datetime:
        match = _RATE.fullmatch(text)
        if match is None or int(match[1]) == 0:
            raise ScheduleError(f"rate({text}): expected a whole number of minutes, hours or days")
        step = timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
        passed = max((after - self.start) // step, 0)
        return self.start + (passed + 1) * step

    def _cron(self, text: str, after: datetime) -> datetime | None:
        try:
            cron = AwsCroniter(text)
        except ValueError as error:
            raise ScheduleError(f"cron({text}): {error}") from error
        # The library reckons in UTC only: it is shown the wall clock of the time zone as if it were UTC's.
        wall = after.astimezone(self._zone).replace(tzinfo=UTC)
        [moment] = cron.get_next(wall)
        return moment.replace(tzinfo=self._zone).astimezone(UTC) if moment else None

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)
