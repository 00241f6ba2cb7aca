"""The scaling activities of Application Auto Scaling: what was changed, why, and what came of it.

https://docs.aws.amazon.com/autoscaling/application/APIReference/API_ScalingActivity.html
"""

import threading
import uuid
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from glue.localcloud.accounts import Scope

_KEPT = 1000


@dataclass
class Activity:
    """One change of a scalable target. `ended` is None while it is in progress."""

    scope: Scope
    place: dict[str, str]
    description: str
    cause: str
    started: datetime
    ended: datetime | None = None
    status: str = "InProgress"
    message: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def end(self, moment: datetime, status: str, message: str) -> None:
        """It is over: `Successful` or `Failed`."""
        self.ended, self.status, self.message = moment, status, message

    def document(self) -> dict[str, Any]:
        """As DescribeScalingActivities shows it."""
        ended = {} if self.ended is None else {"EndTime": self.ended}
        return {
            "ActivityId": self.id,
            **self.place,
            "Description": self.description,
            "Cause": self.cause,
            "StartTime": self.started,
            **ended,
            "StatusCode": self.status,
            "StatusMessage": self.message,
        }


class Activities:
    """The activities of all scalable targets, the last 1000."""

    def __init__(self) -> None:
        self._known: deque[Activity] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()

    def add(self, activity: Activity) -> Activity:
        """Another activity."""
        with self._lock:
            self._known.appendleft(activity)
        return activity

    def of(self, scope: Scope, place: dict[str, str]) -> list[Activity]:
        """The activities whose place has all of `place`, newest first."""
        with self._lock:
            return [one for one in self._known if one.scope == scope and place.items() <= one.place.items()]
