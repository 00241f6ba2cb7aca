"""What can be made to go wrong, and what is going wrong now. Pure: who is struck asks here. Standard library only."""

import random
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of fault. `options` are those that it takes besides none; `once` says that it is over when it started.

    `seconds` is the default of the option of that name.
    """

    name: str
    what: str
    seen: str
    options: frozenset[str]
    once: bool = False
    seconds: float = 0.0


_TARGET = frozenset({"endpoint", "for"})
_CHANCE = frozenset({"for", "probability", "count"})

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "kill-instance",
            "SIGKILL for an instance and all it started",
            "its requests are tried once more on the next instance, then fail visibly; the instance is started again",
            frozenset({"endpoint", "count"}),
            once=True,
        ),
        Kind(
            "refuse-ping",
            "/ping is not answered with 200",
            "a new instance does not get ready: Failed, or the update is rolled back; a ready one is replaced",
            _TARGET,
        ),
        Kind(
            "hang",
            "a request gets no answer from its instance",
            "it fails with 'Your invocation timed out' after InvocationTimeoutSeconds; its place is taken until then",
            _TARGET | _CHANCE,
        ),
        Kind(
            "slow-start",
            "an instance needs longer until it answers /ping",
            "requests wait; beyond ContainerStartupHealthCheckTimeoutInSeconds the deployment fails",
            _TARGET | {"seconds"},
            seconds=60.0,
        ),
        Kind(
            "s3-error",
            "S3 answers 503 SlowDown, to the endpoints too",
            "single ones are retried unseen; more fail the request: notification, but perhaps no failure object",
            _CHANCE,
        ),
        Kind(
            "sns-error",
            "SNS answers 500 to Publish",
            "single ones are retried unseen; more lose the notification: the object is there all the same",
            _CHANCE,
        ),
        Kind(
            "throttling",
            "SageMaker and its runtime answer ThrottlingException",
            "clients retry with backoff, then raise it; a request that was refused was not taken",
            _TARGET | _CHANCE,
        ),
        Kind(
            "clock-jump",
            "the local clock goes forward",
            "waits, cooldowns and start-ups are over; requests expire (RequestTTLSeconds) or time out",
            frozenset({"seconds"}),
            once=True,
            seconds=3600.0,
        ),
        Kind(
            "disk-full",
            "an instance cannot write to files (Linux; it gets EFBIG where a full disk gives ENOSPC)",
            "what the handler answers when it cannot write: usually an error 500 and a failure object",
            _TARGET,
        ),
        Kind(
            "network-cut",
            "no connection between instances and the cloud, in either direction",
            "requests wait and answers on their way are tried again; instances that stay silent are replaced",
            _TARGET,
        ),
    )
}
"""Every kind of fault by its name: what goes wrong, and what is seen of it."""


class FaultError(ValueError):
    """A fault that cannot be: the message says why, and what is allowed."""


@dataclass
class Fault:
    """A fault that was started. `left` says how often it may still strike, `ends` when it ends; None: no limit."""

    number: int
    kind: str
    endpoint: str | None
    probability: float
    left: int | None
    ends: float | None
    seconds: float
    struck: int = 0
    stopped: bool = False

    def concerns(self, kind: str, endpoint: str | None) -> bool:
        """Whether it is of this kind and about this endpoint (or all)."""
        return self.kind == kind and self.endpoint in {None, endpoint}

    def document(self, now: float) -> Document:
        """For people and programs."""
        return {
            "number": self.number,
            "kind": self.kind,
            "endpoint": self.endpoint,
            "probability": self.probability,
            "count_left": self.left,
            "seconds_left": None if self.ends is None else round(max(0.0, self.ends - now), 1),
            "seconds": self.seconds,
            "struck": self.struck,
        }


class Faults:
    """The faults of a local cloud. `elapsed` is its clock, in seconds."""

    def __init__(self, elapsed: Callable[[], float], *, chance: Callable[[], float] = random.random) -> None:
        self._elapsed = elapsed
        self._chance = chance
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._last = 0

    def start(self, order: Document) -> Fault:
        """Begin a fault: `kind`, and of `endpoint`, `for` (seconds), `probability`, `count`, `seconds` what it takes.

        Raises:
            FaultError: there is no such kind, or an option is not one of its own or out of bounds.
        """
        kind = _checked(order)
        duration = order.get("for")
        with self._lock:
            self._last += 1
            fault = Fault(
                self._last,
                kind.name,
                order.get("endpoint"),
                probability=float(order.get("probability", 1.0)),
                left=order.get("count"),
                ends=None if duration is None else self._elapsed() + duration,
                seconds=float(order.get("seconds", kind.seconds)),
            )
            if not kind.once:
                self._faults.append(fault)
        return fault

    def stop(self, which: str | None = None) -> list[Fault]:
        """End the fault of that number, those of that kind, or all; what was ended."""
        with self._lock:
            ended = [fault for fault in self._current() if which in {None, fault.kind, str(fault.number)}]
            for fault in ended:
                fault.stopped = True
        return ended

    def all(self) -> list[Document]:
        """What goes wrong now."""
        with self._lock:
            return [fault.document(self._elapsed()) for fault in self._current()]

    def holds(self, kind: str, endpoint: str | None = None) -> Fault | None:
        """The fault of `kind` that concerns `endpoint` now."""
        with self._lock:
            return next((fault for fault in self._current() if fault.concerns(kind, endpoint)), None)

    def strikes(self, kind: str, endpoint: str | None = None) -> Fault | None:
        """As `holds`, for one request: with the fault's probability, and as often as it may."""
        with self._lock:
            for fault in self._current():
                if fault.concerns(kind, endpoint) and self._chance() < fault.probability:
                    fault.struck += 1
                    fault.left = None if fault.left is None else fault.left - 1
                    return fault
        return None

    def over(self, fault: Fault) -> bool:
        """Whether `fault` was stopped or its time is up. One that may not strike again goes on for those it struck."""
        return fault.stopped or (fault.ends is not None and fault.ends <= self._elapsed())

    def _current(self) -> list[Fault]:
        self._faults = [fault for fault in self._faults if fault.left != 0 and not self.over(fault)]
        return list(self._faults)


_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def parse_duration(text: str) -> float:
    """Seconds of `90`, `90s`, `1.5m` or `2h`.

    Raises:
        FaultError: it is none of these, or not above 0.
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smh]?)", text.strip())
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not seconds > 0:
        raise FaultError(f"duration {text!r}: allowed is a number above 0 with s, m or h, such as 90s")
    return seconds


def _checked(order: Document) -> Kind:
    name = order.get("kind")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise FaultError(f"kind {name!r}: allowed is one of {', '.join(KINDS)}")
    given = {option for option, value in order.items() if value is not None} - {"kind"}
    if unknown := sorted(given - kind.options):
        takes = ", ".join(sorted(kind.options)) or "nothing"
        raise FaultError(f"{kind.name} takes {takes}; not {', '.join(unknown)}")
    endpoint = order.get("endpoint")
    if endpoint is not None and not isinstance(endpoint, str):
        raise FaultError(f"endpoint {endpoint!r}: allowed is a name")
    bounds: dict[str, tuple[tuple[type, ...], Callable[[Any], bool], str]] = {
        "probability": ((int, float), lambda value: 0 < value <= 1, "a number above 0, up to 1"),
        "count": ((int,), lambda value: value >= 1, "a whole number from 1"),
        "for": ((int, float), lambda value: 0 < value < float("inf"), "a number of seconds above 0"),
        "seconds": ((int, float), lambda value: 0 < value < float("inf"), "a number above 0"),
    }
    for option, (types, sound, allowed) in bounds.items():
        value = order.get(option)
        if value is not None and (not isinstance(value, types) or isinstance(value, bool) or not sound(value)):
            raise FaultError(f"{option} {value!r}: allowed is {allowed}")
    return kind
