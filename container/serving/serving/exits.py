"""How a worker process ended, in words."""

import contextlib
import os
import signal
from collections import deque
from collections.abc import Iterator
from pathlib import Path

LOOK_SECONDS = 1.0
_LOOKS = 3

_CGROUP = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")


def describe(status: int, *, out_of_memory: bool = False) -> str:
    """Words for `status`, as waitpid returns it. `out_of_memory`: the kernel killed a process here for memory."""
    if not os.WIFSIGNALED(status):
        return f"ended with exit code {os.waitstatus_to_exitcode(status)}"
    number = os.WTERMSIG(status)
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if number == signal.SIGKILL and out_of_memory:
        return f"was killed by {name}: the kernel reports that the container ran out of memory"
    return f"was killed by {name}"


class MemoryKills:
    """Whether the kernel has killed for want of memory within the last looks, of which there is one a second.

    A process whose memory is large takes a while to end, so that the count comes before its end. A count from long ago
    is that of another process, such as a child whose end the worker has survived.
    """

    def __init__(self) -> None:
        self._counts = deque([out_of_memory_kills()] * _LOOKS, maxlen=_LOOKS)

    def look(self) -> None:
        """Note the count as it is now."""
        self._counts.append(out_of_memory_kills())

    def happened(self) -> bool:
        """Whether it has happened; what this says is not said again."""
        before, now = self._counts[0], out_of_memory_kills()
        self._counts.extend([now] * _LOOKS)
        return now > before


def out_of_memory_kills() -> int:
    """Processes the kernel has killed in this container for want of memory; 0 where it does not say.

    From the control group's `memory.events` (version 2) or `memory.oom_control` (version 1):
    https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
    """
    for path in _counters():
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    return 0


def _counters() -> Iterator[Path]:
    """Files that may have the count: those of this process's own groups, then the root as a container sees it."""
    with contextlib.suppress(OSError):
        for line in _OWN_GROUPS.read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            if not controllers:
                yield _CGROUP / group.lstrip("/") / "memory.events"
            elif "memory" in controllers.split(","):
                yield _CGROUP / "memory" / group.lstrip("/") / "memory.oom_control"
    yield _CGROUP / "memory.events"
    yield _CGROUP / "memory" / "memory.oom_control"
