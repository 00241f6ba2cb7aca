"""Running an engine's client: argument lists, bounded, with the client's own words when it fails."""

import subprocess
from collections.abc import Mapping, Sequence

from glue.errors import FailedError

QUERY_SECONDS = 60.0
"""How long an engine may take to answer a question about itself."""


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
    try:
        done = subprocess.run(
            arguments,
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(arguments, f"no answer within {seconds:g} s") from error
    except OSError as error:
        raise CommandError(arguments, str(error)) from error
    if done.returncode != 0:
        raise CommandError(arguments, done.stdout + done.stderr)
    return done.stdout


def last_lines(text: str, count: int) -> str:
    """The last `count` lines of `text` that are not empty."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-count:])
