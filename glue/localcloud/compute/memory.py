"""The memory that a process group takes, and its end when that is more than it may have (Linux).

What counts is what a container without swap is killed for: memory that no file stands behind. Files that are mapped,
such as libraries and weights, can be read again and do not count. A limit of addresses (`RLIMIT_AS`) would be another
thing: programs reserve many more than they ever use.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

FOLLOWED = sys.platform == "linux"
"""Whether this system tells what processes take."""

_FASTEST = 4 << 30  # bytes that a program can fill in a second, or few more
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0  # seconds of the machine's clock


def memory_exceeded(limit: int | None) -> str:
    """What the log says of a container that was killed because of its memory."""
    known = "" if limit is None else f" of {limit >> 20} MiB"
    return f"container used more memory than its limit{known}: a process of it was killed"


def members(group: int) -> list[int]:
    """The processes of a group."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if os.getpgid(int(folder.name)) == group:
                    found.append(int(folder.name))
    return found


def taken_by(group: int, at_least: int = 0) -> int:
    """The bytes that a group takes, memory that its processes share counted once.

    That takes long to find out, for every page. Up to `at_least`, it may be counted more than once.
    """
    processes = members(group)
    simple = sum(_sizes(process, "status", "RssAnon", "RssShmem", "VmSwap") for process in processes)
    if simple <= at_least:
        return simple
    return sum(_sizes(process, "smaps_rollup", "Pss_Anon", "Pss_Shmem", "SwapPss") for process in processes)


def watch(group: int, limit: int, ended: threading.Event, exceeded: Callable[[], None]) -> None:
    """Call `exceeded` when the group takes more than `limit` bytes; returns then, or when `ended` is set."""
    pause = _SHORTEST_PAUSE
    while not ended.wait(pause):
        left = limit - taken_by(group, at_least=limit)
        if left < 0:
            exceeded()
            return
        pause = min(max(left / _FASTEST, _SHORTEST_PAUSE), _LONGEST_PAUSE)


def _sizes(process: int, file: str, *names: str) -> int:
    """The sum of fields that /proc gives in kB; 0 for a process that has ended."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{process}/{file}").read_text(errors="replace").splitlines()  # a name may be anything
        return sum(int(line.split()[1]) for line in lines if line.partition(":")[0] in names) * 1024
    return 0
