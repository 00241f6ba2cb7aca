"""One run at a time for a layer of an environment: within this checkout by a file lock, beyond it by the state's lock.

The file lock is inherited by Terraform, so it is held for as long as glue *or* its Terraform lives. Whoever holds it
knows that nothing of this checkout is running: if the state is locked all the same, by a run of ours, that run is dead.
"""

import fcntl
import getpass
import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from glue.errors import FailedError
from glue.terraform.events import Outcome, parse_event

WAIT_SECONDS = 60


class LockedError(FailedError):
    """Somebody else holds the layer: nothing was begun."""


@dataclass(frozen=True)
class RunLock:
    """The lock of a run, held. Its file says whose it is: glue's process id and its Terraform's."""

    descriptor: int

    def note(self, terraform: int | None = None) -> None:
        """Write down who holds the lock."""
        text = json.dumps({"glue": os.getpid(), "terraform": terraform}).encode()
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, text, 0)


@contextmanager
def exclusive(file: Path, *, wait_seconds: float = WAIT_SECONDS) -> Iterator[RunLock]:
    """Hold the lock `file`; its descriptor is to be handed down to Terraform.

    Raises:
        LockedError: another run of this checkout still holds it after `wait_seconds`.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # plans may hold secrets
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            attempts = Retrying(
                retry=retry_if_result(lambda got: not got), wait=wait_fixed(0.2), stop=stop_after_delay(wait_seconds)
            )
            attempts(_try_lock, descriptor)
        except RetryError:
            raise LockedError(
                f"another run is under way in this checkout (waited {wait_seconds:g} s for {file})",
                hints=["wait for it to end and run the command again"],
            ) from None
        lock = RunLock(descriptor)
        lock.note()
        yield lock
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _end_orphans(descriptor)
        return False
    return True


def _end_orphans(descriptor: int) -> None:
    """Kill the plug-ins that hold the lock although the Terraform that started them, and glue, are gone.

    They are what is left of Terraform's process group. While one of them lives, no other process can have its number.
    """
    try:
        holder = json.loads(os.pread(descriptor, 256, 0))
        glue, terraform = holder["glue"], holder["terraform"]
    except (ValueError, KeyError):
        return  # being written
    if terraform is None or _is_alive(glue) or _is_alive(terraform):
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(terraform, signal.SIGKILL)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@dataclass(frozen=True)
class StateLock:
    """Who holds the state's lock, as Terraform tells."""

    id: str
    who: str
    operation: str
    created: datetime | None


def state_lock(outcome: Outcome) -> StateLock | None:
    """The lock that refused a run, or None when the run failed of something else, or not at all."""
    for error in outcome.errors:
        if "state lock" in error.summary.lower():
            found = dict(re.findall(r"^\s*(ID|Who|Operation|Created):\s*(.+?)\s*$", error.detail, re.MULTILINE))
            return StateLock(
                found.get("ID", ""), found.get("Who", "?"), found.get("Operation", "?"), _time(found.get("Created", ""))
            )
    return None


def _time(text: str) -> datetime | None:
    # Go prints nanoseconds and a zone name: "2026-01-31 12:00:00.123456789 +0000 UTC".
    found = re.match(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)? \+0000 UTC", text)
    return datetime.fromisoformat(found.group(1)).replace(tzinfo=UTC) if found else None


def left_behind(lock: StateLock, logs: list[Path]) -> bool:
    """Whether `lock` was taken by a run of this checkout that died. Call it while holding the file lock.

    `logs` are the logs of the latest runs. Terraform's locks name user and host only, so the lock is ours when one of
    our runs got past its start (it had the lock), began before the lock was taken and wrote its last line after.
    """
    if lock.created is None or lock.who != f"{getpass.getuser()}@{socket.gethostname()}":
        return False
    for log in logs:
        times = _times_with_lock(log)
        if times and times[0] <= lock.created <= times[1]:
            return True
    return False


def _times_with_lock(log: Path) -> tuple[datetime, datetime] | None:
    """The first and last moment of the run in `log`, to the second; None if it never had the state's lock."""
    try:
        events = [parse_event(line) for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line]
    except FileNotFoundError:
        return None
    stamps = [datetime.fromisoformat(event["@timestamp"]).astimezone(UTC) for event in events if "@timestamp" in event]
    had_lock = any(event.get("type") not in {"version", "log", "diagnostic"} for event in events)
    if not stamps or not had_lock:
        return None
    return min(stamps).replace(microsecond=0), max(stamps)


def refused(lock: StateLock) -> LockedError:
    """The error that says who holds the state."""
    since = f" since {lock.created:%Y-%m-%d %H:%M:%S} UTC" if lock.created else ""
    return LockedError(
        f"the state is locked by {lock.who}{since} ({lock.operation}, lock {lock.id}): another run is under way",
        hints=["wait for it to end and run the command again"],
    )
