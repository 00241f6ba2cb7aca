"""What a killed local cloud may have left behind, found and removed. Standard library only.

An instance's folder holds a lock file whose lock its processes inherit: as long as one of them lives, the lock is held.
That tells a living instance from a process that happens to have got its number.
"""

import contextlib
import fcntl
import json
import time
from pathlib import Path

from glue.localcloud import trees
from glue.localcloud.compute import guard

LOCK_NAME = "lock"
RECORD_NAME = "instance.json"
ENGINE_RECORD_NAME = "engine.json"
_PATIENCE = 5.0


def is_locked(file: Path) -> bool:
    """Whether some process holds the exclusive lock of `file`."""
    try:
        with file.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def sweep(instances_dir: Path) -> list[str]:
    """Kill the instances that still run in `instances_dir` and remove their folders; the names of those that ran.

    The engine that ran containers for it is named in a record there: all that bear this cloud's label are removed.
    """
    ran = _remove_containers(instances_dir / ENGINE_RECORD_NAME)
    for folder in sorted(instances_dir.glob("*/")):
        if is_locked(folder / LOCK_NAME):
            ran.append(folder.name)
            _kill(folder)
        trees.remove(folder)
    return ran


def _remove_containers(record: Path) -> list[str]:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        engine: guard.EngineRecord = json.loads(record.read_text())
        removed = guard.remove_containers(engine)
        record.unlink()
        return removed
    return []


def _kill(folder: Path) -> None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        group = int(json.loads((folder / RECORD_NAME).read_text())["group"])
        if group > 1:
            guard.end_group(group, str(folder / "tmp"))
    deadline = time.monotonic() + _PATIENCE
    while is_locked(folder / LOCK_NAME) and time.monotonic() < deadline:
        time.sleep(0.02)
