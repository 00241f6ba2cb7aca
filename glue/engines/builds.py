"""Following a build: its steps as they pass, and the one that failed or hangs."""

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from glue.engines.commands import last_lines, stream
from glue.errors import FailedError
from glue.signatures import recognise

_STARTED = re.compile(r"#(?P<number>\d+) (?P<step>\[.+)")
_DONE = re.compile(r"#(?P<number>\d+) (?P<how>DONE|CACHED|CANCELED|ERROR)")
_PLAIN = re.compile(r"(?:\[\d+/\d+\] )?STEP (?P<number>\d+)(?:/\d+)?: (?P<step>.+)")
_KEPT_LINES = 200


class Steps:
    """Which steps of a build run, read from its plain output (BuildKit's, Podman's or Buildah's)."""

    def __init__(self) -> None:
        self._running: dict[str, str] = {}
        self._last = ""
        self._failed = ""

    def read(self, line: str) -> str | None:
        """The step that starts with `line`, if one does."""
        if done := _DONE.match(line):
            step = self._running.pop(done["number"], "")
            if done["how"] == "ERROR":
                self._failed = step
            return None
        started = _STARTED.match(line) or _PLAIN.match(line)
        if started is None:
            return None
        if _PLAIN.match(line):  # these builders do one step at a time
            self._running.clear()
        known = started["number"] in self._running
        self._running[started["number"]] = self._last = started["step"].strip()
        return None if known else self._last

    @property
    def current(self) -> str:
        """The step that failed, though others may run beside it; else the steps that run, or the last one that did."""
        return self._failed or "; ".join(self._running.values()) or self._last


def follow(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    seconds: float,
    on_step: Callable[[str], None] | None = None,
) -> None:
    """Run the build `arguments` to its end.

    Raises:
        FailedError: it failed, or did not end within `seconds`; the message names the step and its last lines.
    """
    steps = Steps()
    kept: deque[str] = deque(maxlen=_KEPT_LINES)

    def hear(line: str) -> None:
        kept.append(line)
        step = steps.read(line)
        if step and on_step:
            on_step(step)

    try:
        status = stream(arguments, hear, seconds=seconds, environment=environment)
    except TimeoutError:
        status = None
    if status == 0:
        return
    text = "\n".join(kept)
    causes = "".join(f"\n{found.cause}" for found in recognise(text))
    said = f"{steps.current or 'its first step'}{causes}\n{last_lines(text, 12)}"
    if status is None:
        raise FailedError(f"the build did not end within {seconds:g} s: it hung in {said}")
    raise FailedError(f"the build failed in {said}")
