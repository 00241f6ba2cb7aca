"""How one container runs on this machine: what the rest of the local cloud needs of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from glue.localcloud.compute.images import RegisteredImage

RUNTIME_LABEL = "io.async-inference.runtime"
"""The image label that says which runtime an image is made for; without it, a container engine is needed."""

CONTAINER = "container"
"""The runtime of images without that label."""

_LINE_LIMIT = 64 * 1024

Sink = Callable[[str], None]
"""Takes a line of a container's output."""


class UnsupportedImageError(Exception):
    """No runtime here can run the image; the message says what it lacks."""


@dataclass(frozen=True)
class Launch:
    """What every container of a variant is started from. `environment` is the model's; `provided` is the platform's.

    `model_dir` is empty for a model without data. `memory` in bytes is that of the instance type; None: not known.
    """

    image: RegisteredImage
    model_dir: Path
    environment: dict[str, str]
    provided: dict[str, str]
    startup_timeout: int
    memory: int | None = None

    def limit(self, most: int | None) -> int | None:
        """The memory of a container: its instance type's, `most` at most; None: no limit."""
        return min((one for one in (self.memory, most) if one is not None), default=None)


class Container(Protocol):
    """A started container. `address` is where it listens (host, port)."""

    @property
    def address(self) -> tuple[str, int]: ...  # noqa: D102

    def exit_status(self) -> int | None:
        """The status it ended with; None while it runs."""

    def wait(self) -> int:
        """Wait until it and all that it started has ended and its output is read; its status."""

    def stop(self, grace: float) -> None:
        """End it: SIGTERM, and SIGKILL after `grace` seconds of the machine's clock. Returns when it is gone."""

    def fill_disk(self, full: bool) -> None:
        """Make all that it writes to files fail from now on, or end that."""


class Runtime(Protocol):
    """A way to run containers. `fills_disks` says whether their `fill_disk` does anything."""

    @property
    def fills_disks(self) -> bool: ...  # noqa: D102

    def prepare(self, image: RegisteredImage) -> None:
        """The slow part, once an image.

        Raises:
            ImageError: it cannot be fetched.
            UnsupportedImageError: it cannot be run.
        """

    def start(self, launch: Launch, folder: Path, sink: Sink) -> Container:
        """Start a container whose own files lie in `folder`."""


def forward(output: IO[bytes], sink: Sink) -> None:
    """Give the lines of `output` to `sink` until it ends; a line beyond 64 KiB comes in pieces."""
    while line := output.readline(_LINE_LIMIT):
        sink(line.decode("utf-8", errors="replace").rstrip("\r\n"))
