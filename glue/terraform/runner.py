"""Running Terraform through python-terraform, with live events and a run that outlives its caller's death."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import python_terraform

from glue.interrupts import held_back
from glue.terraform.events import parse_event
from glue.terraform.locking import RunLock

FLAG = python_terraform.IsFlagged
_POLL_SECONDS = 0.05
_STOP_SECONDS = 60

Listener = Callable[[dict[str, Any]], None]


class Terraform(python_terraform.Terraform):  # type: ignore[misc]
    """python-terraform with an environment of its own and output that is read as it comes.

    Terraform writes to a file, not a pipe, and runs in a session of its own: if the caller is killed it still finishes
    what it began, writes its state and gives its lock back. Ctrl-C is passed on once, and Terraform stops in order.
    """

    def __init__(
        self, program: Path, folder: Path, environment: Mapping[str, str], *, lock: RunLock | None = None
    ) -> None:
        """`lock` is held by Terraform too: it is free again only when Terraform has ended."""
        super().__init__(working_dir=str(folder), terraform_bin_path=str(program))
        self._environment = dict(environment)
        self._lock = lock

    def run(
        self, command: str, *arguments: str, log: Path | None = None, listen: Listener | None = None, **options: Any
    ) -> int:
        """Run `command` and return its exit code; each line of output reaches `listen` as an event.

        Args:
            log: where the output is kept, with what goes to standard error in a file beside it (see `errors_of`); in
                temporary files when None.
            options: Terraform's options as python-terraform takes them (`lock_timeout="60s"`, `json=FLAG`).
        """
        words = self.generate_cmd_string(command, *arguments, **options)
        with tempfile.TemporaryDirectory() as folder:
            file = log or Path(folder) / "output"
            file.parent.mkdir(parents=True, exist_ok=True)
            process: subprocess.Popen[bytes] | None = None
            try:
                with held_back():
                    process = self._start(words, file)
                for line in _follow(file, process):
                    if listen:
                        listen(parse_event(line))
            except BaseException:
                if process:
                    _stop(process)
                raise
            finally:
                if process:
                    _end_group(process)
                self.temp_var_files.clean_up()
            return process.returncode

    def _start(self, words: list[str], log: Path) -> subprocess.Popen[bytes]:
        with log.open("wb") as output, errors_of(log).open("wb") as errors:
            process = subprocess.Popen(
                words,
                cwd=self.working_dir,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
                pass_fds=(self._lock.descriptor,) if self._lock else (),
            )
        if self._lock:
            self._lock.note(process.pid)
        return process


def errors_of(log: Path) -> Path:
    """Where a run that was logged to `log` wrote what is no output: warnings of its own, or a crash."""
    return log.with_name(f"{log.name}.stderr")


def _follow(file: Path, process: subprocess.Popen[bytes]) -> Iterator[str]:
    """The lines of `file` as they are written, until `process` has ended and all is read."""
    rest = b""
    with file.open("rb") as stream:
        while True:
            ended = process.poll() is not None
            rest += stream.read()
            *lines, rest = rest.split(b"\n")
            for line in lines:
                if line.strip():
                    yield line.decode("utf-8", "replace")
            if ended:
                if rest.strip():
                    yield rest.decode("utf-8", "replace")
                return
            time.sleep(_POLL_SECONDS)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the plug-ins of a Terraform that was killed: they do not end by themselves."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask Terraform to stop in order, as Ctrl-C does, and wait; kill it only when it does not."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGINT)
    deadline = time.monotonic() + _STOP_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            break
        except KeyboardInterrupt:
            continue  # the user is impatient; killing Terraform now would lose what it has just made
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
