"""Running an engine's client: argument lists, bounded, with the client's own words when it fails."""

import codecs
import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from glue.errors import FailedError
from glue.interrupts import held_back

QUERY_SECONDS = 60.0
"""How long an engine may take to answer a question about itself."""

_BLOCK = 1 << 16


class CommandError(FailedError):
    """The engine's client failed. `output` is what it said."""

    def __init__(self, arguments: Sequence[str], output: str) -> None:
        super().__init__(f"{' '.join(arguments[:3])} failed: {last_lines(output, 5) or 'it said nothing'}")
        self.output = output


def call(
    arguments: Sequence[str],
    *,
    seconds: float = QUERY_SECONDS,
    given: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """What `arguments` print. `given` goes to their standard input: secrets appear in no list of processes.

    Raises:
        CommandError: they end with another status than 0, or take longer than `seconds`.
    """
    pipes = {"stdin": subprocess.DEVNULL if given is None else subprocess.PIPE, "stderr": subprocess.PIPE}
    with _started(arguments, environment, **pipes) as process:
        try:
            output, errors = process.communicate(None if given is None else given.encode(), timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise CommandError(arguments, f"no answer within {seconds:g} s") from error
    if process.returncode != 0:
        raise CommandError(arguments, (output + errors).decode(errors="replace"))
    text: str = output.decode(errors="replace")
    return text


def stream(
    arguments: Sequence[str],
    on_line: Callable[[str], None],
    *,
    seconds: float,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run `arguments`, with each line they print (on either stream) given to `on_line` as it comes; their status.

    They have no terminal and no input: nothing can ask anybody anything.

    Raises:
        TimeoutError: they took longer than `seconds`, or what they had started did. All of it was ended.
        CommandError: they cannot be started.
    """
    until = time.monotonic() + seconds
    with _started(arguments, environment, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT) as process:
        for line in _lines(process.stdout.fileno(), until):
            on_line(line)
        try:
            return int(process.wait(max(0.0, until - time.monotonic())))
        except subprocess.TimeoutExpired as error:
            raise TimeoutError from error


def last_lines(text: str, count: int) -> str:
    """The last `count` lines of `text` that are not empty."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-count:])


@contextlib.contextmanager
def _started(arguments: Sequence[str], environment: Mapping[str, str] | None, **pipes: Any) -> Iterator[Any]:
    """A process in a session of its own: after the block nothing of it is left, such as plugins that it had started."""
    with contextlib.ExitStack() as ending:
        with held_back():
            try:
                process = subprocess.Popen(
                    arguments, env=environment, stdout=subprocess.PIPE, start_new_session=True, **pipes
                )
            except OSError as error:
                raise CommandError(arguments, str(error)) from error
            ending.enter_context(process)
            ending.callback(_end, process)
        yield process


def _end(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group that has ended
        os.killpg(process.pid, signal.SIGKILL)


def _lines(descriptor: int, until: float) -> Iterator[str]:
    """The lines that can be read from `descriptor` before the moment `until` of the monotonic clock."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while (left := until - time.monotonic()) > 0 and selector.select(left):
            block = os.read(descriptor, _BLOCK)
            *whole, rest = (rest + decoder.decode(block, final=not block)).split("\n")
            yield from whole
            if not block:
                yield rest
                return
    raise TimeoutError
