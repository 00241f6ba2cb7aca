"""Ends the instances when the local cloud is gone, however it went: run as a program of its own.

It reads lines from the cloud: `+<group>` for a process group that was started, `-<group>` for one that ended. When
the pipe closes, because the cloud ended or was killed, every group that is left is killed with all that it started.
Parent-death signals would reach the first process of a group only, and exist on Linux only.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterable


def watch(lines: Iterable[str]) -> set[int]:
    """The process groups that are left when `lines` ends."""
    groups: set[int] = set()
    for line in lines:
        change, group = line[:1], int(line[1:])
        if change == "+":
            groups.add(group)
        else:
            groups.discard(group)
    return groups


def main() -> None:
    """Watch standard input to its end, then kill."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    for group in watch(sys.stdin):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
