"""A container that runs: watched, so that its end is known the moment it comes."""

import contextlib
import json
import subprocess
import threading
from dataclasses import dataclass
from typing import IO, Any, Self

from glue.engines.commands import QUERY_SECONDS, CommandError, call, stream
from glue.errors import FailedError


@dataclass(frozen=True)
class Exit:
    """How a container ended."""

    status: int
    out_of_memory: bool
    error: str

    def __str__(self) -> str:
        if self.out_of_memory:
            return f"exited with status {self.status}: it was killed because it used more memory than its limit"
        return f"exited with status {self.status}" + (f": {self.error}" if self.error else "")


class Container:
    """A container by its name. As a context it is removed at the end, with its volumes."""

    def __init__(self, program: str, name: str) -> None:
        self.name = name
        self._program = program
        self._ended = threading.Event()
        self._watcher: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    @property
    def ended(self) -> bool:
        """Whether it has ended. The engine tells by itself: nothing is polled."""
        self._watch()
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds` for its end; whether it came."""
        self._watch()
        return self._ended.wait(seconds)

    def exit(self) -> Exit:
        """How it ended.

        Raises:
            FailedError: it runs, or is gone.
        """
        state = self.state()
        if state.get("Running"):
            raise FailedError(f"container {self.name} is running")
        return Exit(int(state["ExitCode"]), bool(state.get("OOMKilled")), str(state.get("Error") or ""))

    def state(self) -> dict[str, Any]:
        """The engine's `State` of it."""
        found = json.loads(call([self._program, "container", "inspect", self.name]))[0]
        state: dict[str, Any] = found["State"]
        return state

    def logs(self) -> str:
        """All that it printed, both streams in one.

        Raises:
            CommandError: the engine does not give it out; what it says instead is no log.
        """
        arguments = [self._program, "logs", self.name]
        lines: list[str] = []
        try:
            status = stream(arguments, lines.append, seconds=QUERY_SECONDS)
        except TimeoutError as error:
            raise CommandError(arguments, f"no end within {QUERY_SECONDS:g} s") from error
        if status != 0:
            raise CommandError(arguments, "\n".join(lines))
        return "\n".join(lines)

    def changes(self) -> list[str]:
        """The paths that it added, changed or removed in its own layer: mounts and temporary folders are not in it."""
        lines = call([self._program, "diff", self.name]).splitlines()
        return [line.split(" ", 1)[1] for line in lines if " " in line]

    def execute(self, arguments: list[str], errors: IO[bytes]) -> subprocess.Popen[bytes]:
        """Run a program inside, joined by pipes; what it prints as errors goes to the file `errors`."""
        return subprocess.Popen(
            [self._program, "exec", "--interactive", self.name, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )

    def terminate(self) -> None:
        """Send SIGTERM to its first process."""
        with contextlib.suppress(CommandError):  # it may have ended by itself
            call([self._program, "kill", "--signal=TERM", self.name])

    def kill(self) -> None:
        """Send SIGKILL to all its processes; one that was not started yet is removed and will not be."""
        try:
            call([self._program, "kill", "--signal=KILL", self.name])
        except CommandError:
            self.remove()

    def remove(self) -> None:
        """End it at once and remove it."""
        with contextlib.suppress(CommandError):
            call([self._program, "rm", "--force", "--volumes", self.name])
        if self._watcher is not None:
            self._watcher.kill()
            self._watcher.wait()

    def _watch(self) -> None:
        with self._lock:
            if self._watcher is None:
                self._watcher = subprocess.Popen(
                    [self._program, "wait", self.name],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
                threading.Thread(target=self._await, name=f"watch-{self.name}", daemon=True).start()

    def _await(self) -> None:
        assert self._watcher is not None  # noqa: S101 - set before the thread starts
        self._watcher.wait()
        self._ended.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()
