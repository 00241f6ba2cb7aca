"""The local cloud's time, which may run faster than the machine's."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

_SHORTEST_PAUSE = 0.05  # seconds of the machine's clock
_LONGEST_WAIT = 1.0  # seconds of the machine's clock until a jump is noticed


class Clock:
    """Time that starts at the present and runs `speed` times as fast as the machine's.

    Every timestamp that the local cloud shows and every wait that AWS documents goes through it, so that an hour of
    cooldowns passes in a minute at speed 60. Durations are seconds of this clock unless a name says `real`.
    """

    def __init__(self, speed: float = 1.0, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        if not speed > 0:
            raise ValueError(f"speed {speed}: allowed is a number above 0")
        self.speed = speed
        self._monotonic = monotonic
        self._origin = monotonic()
        self._skipped = 0.0
        self._frozen = threading.local()
        self._started = datetime.now(UTC)

    def elapsed(self) -> float:
        """Seconds since the clock was made; never goes backwards."""
        return (self._monotonic() - self._origin) * self.speed + self._skipped

    def jump(self, seconds: float) -> None:
        """Go forward by `seconds`."""
        self._skipped += max(0.0, seconds)

    def now(self) -> datetime:
        """The time in UTC, to the millisecond, as AWS gives it."""
        frozen: datetime | None = getattr(self._frozen, "moment", None)
        if frozen is not None:
            return frozen
        moment = self._started + timedelta(seconds=self.elapsed())
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    @contextlib.contextmanager
    def frozen(self, moment: datetime) -> Iterator[None]:
        """For this thread it is `moment` now."""
        self._frozen.moment = moment
        try:
            yield
        finally:
            self._frozen.moment = None

    def real(self, seconds: float) -> float:
        """How long `seconds` of this clock last on the machine."""
        return seconds / self.speed

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until `event` is set, `seconds` at most; whether it was."""
        limit = self.deadline(seconds)
        while not limit.passed and not event.is_set():
            event.wait(min(limit.real_remaining, _LONGEST_WAIT))
        return event.is_set()

    def pause(self, event: threading.Event, seconds: float) -> bool:
        """The wait between two looks: as `wait`, but never so short that looking keeps the machine busy."""
        return event.wait(max(self.real(seconds), _SHORTEST_PAUSE))

    def deadline(self, seconds: float) -> "Deadline":
        """The moment `seconds` from now."""
        return Deadline(self, self.elapsed() + seconds)


class Deadline:
    """A moment by which something must have happened."""

    def __init__(self, clock: Clock, moment: float) -> None:
        self._clock = clock
        self._moment = moment

    @property
    def remaining(self) -> float:
        """Seconds left, 0 once it has passed."""
        return max(0.0, self._moment - self._clock.elapsed())

    @property
    def real_remaining(self) -> float:
        """Seconds left on the machine's clock, 0 once it has passed."""
        return self._clock.real(self.remaining)

    @property
    def passed(self) -> bool:
        """Whether the moment is over."""
        return self.remaining == 0.0
