"""The errors that end a command, each with the exit code the command line promises."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any


class GlueError(Exception):
    """What failed, on which input, and what to do next.

    The command line prints `message`, then each of `hints`, and exits with `exit_code`: no traceback. With `--json` it
    prints `details` as well: the same facts as data.
    """

    exit_code = 1

    def __init__(
        self, message: str, *, hints: Sequence[str] = (), details: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hints = tuple(hints)
        self.details = dict(details)


class FailedError(GlueError):
    """A check or a deployment failed (exit code 1)."""

    exit_code = 1


class UsageError(GlueError):
    """Wrong usage or configuration: the user can mend the input (exit code 2)."""

    exit_code = 2


class MissingError(GlueError):
    """A tool, a credential or an engine is missing (exit code 3)."""

    exit_code = 3
