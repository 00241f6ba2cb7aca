"""When an asynchronous invocation is tried again, and when it is given up. Pure; times in seconds of the local clock.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from dataclasses import dataclass, field, replace
from typing import Any

RETRY_DELAYS = (60.0, 120.0)
"""Before the second attempt, and before the third."""


@dataclass(frozen=True, order=True)
class Event:
    """An event that waits for its function from the moment `due` on. `request_id` is the same in every attempt."""

    due: float
    number: int
    request_id: str = field(compare=False)
    payload: Any = field(compare=False)
    accepted: float = field(compare=False)
    attempts: int = field(compare=False, default=0)

    def expired(self, now: float, max_age: int) -> bool:
        """Whether it is older than its function takes."""
        return now - self.accepted > max_age


def next_attempt(event: Event, now: float, *, max_retries: int, max_age: int) -> Event | None:
    """`event` after an attempt that failed at `now`: due once more, or None when it is given up."""
    done = event.attempts + 1
    if done > min(max_retries, len(RETRY_DELAYS)):
        return None
    due = now + RETRY_DELAYS[done - 1]
    return None if event.expired(due, max_age) else replace(event, due=due, attempts=done)
