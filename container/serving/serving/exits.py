"""How a worker process ended, in words."""

import os
import signal
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


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


def out_of_memory_kills() -> int:
    """Processes the kernel has killed in this container for want of memory; 0 where it does not say.

    From the control group's `memory.events` (version 2) or `memory.oom_control` (version 1), as a container sees them:
    https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
    """
    for path in (_CGROUP / "memory.events", _CGROUP / "memory" / "memory.oom_control"):
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    return 0
