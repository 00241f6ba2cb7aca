"""Following a build: its steps as they pass, and the one that failed or hangs."""

import re
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from glue.engines.commands import last_lines
from glue.errors import FailedError
from glue.signatures import recognise

_STARTED = re.compile(r"#(?P<number>\d+) (?P<step>\[.+)")
_DONE = re.compile(r"#(?P<number>\d+) (?:DONE|CACHED|CANCELED|ERROR)")
_PLAIN = re.compile(r"(?:\[\d+/\d+\] )?STEP (?P<number>\d+)(?:/\d+)?: (?P<step>.+)")
_KEPT_LINES = 200


class Steps:
    """Which steps of a build run, read from its plain output (BuildKit's, Podman's or Buildah's)."""

    def __init__(self) -> None:
        self._running: dict[str, str] = {}
        self._last = ""

    def read(self, line: str) -> str | None:
        """The step that starts with `line`, if one does."""
        if done := _DONE.match(line):
            self._running.pop(done["number"], None)
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
        """The steps that run, or the last one that did."""
        return "; ".join(self._running.values()) or self._last


def follow(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    seconds: float,
    on_step: Callable[[str], None] | None = None,
) -> None:
    """Run the build `arguments` to its end. It has no terminal and no input: nothing can ask it anything.

    Raises:
        FailedError: it failed, or did not end within `seconds`; the message names the step and its last lines.
    """
    steps = Steps()
    kept: deque[str] = deque(maxlen=_KEPT_LINES)
    try:
        process = subprocess.Popen(
            arguments,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise FailedError(f"{arguments[0]}: {error}") from error
    late = threading.Event()

    def give_up() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, give_up)
    timer.start()
    try:
        assert process.stdout is not None  # noqa: S101 - opened as a pipe
        with process.stdout as output:
            for line in output:
                kept.append(line)
                step = steps.read(line)
                if step and on_step:
                    on_step(step)
        status = process.wait()
    finally:
        timer.cancel()
        if process.poll() is None:
            process.kill()
            process.wait()
    said = last_lines("".join(kept), 12)
    causes = "".join(f"\n{found.cause}" for found in recognise("".join(kept)))
    if late.is_set():
        raise FailedError(f"the build did not end within {seconds:g} s: it hung in {steps.current}{causes}\n{said}")
    if status != 0:
        raise FailedError(f"the build failed in {steps.current or 'its first step'}{causes}\n{said}")
