"""Processes that outlive the worker that started them: the server takes them in, and ends them with itself."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_LOOKS = 100
_LOOK_SECONDS = 0.01


def adopt() -> None:
    """Have the kernel make this process the parent of its children's children once they have lost theirs (Linux only).

    Process 1 of a container is so anyway.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


async def end() -> None:
    """Kill all children, and those that become ours by that. The caller reaps them meanwhile."""
    for _ in range(_LOOKS):
        if not (children := _children()):
            return
        for pid in children:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(_LOOK_SECONDS)


def _children() -> list[int]:
    """Process ids of this process's children, where the system tells."""
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except OSError:
        return []
