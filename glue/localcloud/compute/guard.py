"""Ends the instances when the local cloud is gone, however it went: run as a program of its own.

It reads lines from the cloud: `+<group> <folder>` for a process group that was started, with the folder that is its
`TMPDIR`, `-<group>` for one that ended. When the pipe closes, because the cloud ended or was killed, every group that
is left is killed with all that it started.
`*<record>` names a container engine and the label of the cloud's containers: all that are left are removed.
Parent-death signals would reach the first process of a group only, and exist on Linux only.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

_ENGINE_SECONDS = 60.0
_ROUNDS = 3  # an engine may still be making a container whose order it had got, and a process another one


class EngineRecord(TypedDict):
    """Where a local cloud's containers are: the engine's program, the variables it is found by, and their label."""

    program: str
    variables: dict[str, str]
    label: str


@dataclass
class Left:
    """What is left when a local cloud is gone: process groups, and engines that may have containers of its own.

    `groups` have the folder that is their `TMPDIR`, if any.
    """

    groups: dict[int, str] = field(default_factory=dict)
    engines: list[EngineRecord] = field(default_factory=list)


def watch(lines: Iterable[str]) -> Left:
    """What is left when `lines` ends."""
    left = Left()
    for line in lines:
        change, what = line[:1], line[1:]
        if change == "*":
            left.engines.append(json.loads(what))
        elif change == "+":
            group, _, temporary = what.rstrip("\n").partition(" ")
            left.groups[int(group)] = temporary
        else:
            left.groups.pop(int(what), None)
    return left


def end_group(group: int, temporary: str) -> None:
    """SIGKILL for a process group, and on Linux for what left it: all have inherited `temporary` as their `TMPDIR`."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    for _ in range(_ROUNDS if temporary else 0):
        strays = _with_variable(f"TMPDIR={temporary}".encode())
        if not strays:
            break
        for process in strays:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)


def _with_variable(variable: bytes) -> list[int]:
    found = []
    for file in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if variable in file.read_bytes().split(b"\0"):
                found.append(int(file.parent.name))
    return found


def remove_containers(engine: EngineRecord) -> list[str]:
    """Remove every container with the label of `engine`, running or not; their names. One that is gone has none."""
    removed: list[str] = []
    for _ in range(_ROUNDS):
        listing = _run(engine, "ps", "--all", "--format={{.Names}}", f"--filter=label={engine['label']}")
        names = listing.split()
        if not names:
            break
        _run(engine, "rm", "--force", "--volumes", *names)
        removed += [name for name in names if name not in removed]
    return removed


def _run(engine: EngineRecord, *arguments: str) -> str:
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            [engine["program"], *arguments],
            env={**os.environ, **engine["variables"]},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ENGINE_SECONDS,
            check=False,
        )
        return done.stdout if done.returncode == 0 else ""
    return ""


def main() -> None:
    """Watch standard input to its end, then kill."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    left = watch(sys.stdin)
    for group, temporary in left.groups.items():
        end_group(group, temporary)
    for engine in left.engines:
        remove_containers(engine)


if __name__ == "__main__":
    main()
