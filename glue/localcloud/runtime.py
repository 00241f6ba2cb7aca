"""How one container runs on this machine: what the rest of the local cloud needs of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from glue.localcloud.images import PulledImage

RUNTIME_LABEL = "io.async-inference.runtime"
"""The image label that says which runtime an image is made for; without it, a container engine is needed."""

Sink = Callable[[str], None]
"""Takes a line of a container's output."""


class UnsupportedImageError(Exception):
    """No runtime here can run the image; the message says what it lacks."""


@dataclass(frozen=True)
class Launch:
    """What every container of a variant is started from. `environment` is the model's; `provided` is the platform's."""

    image: PulledImage
    model_dir: Path
    environment: dict[str, str]
    provided: dict[str, str]
    startup_timeout: int


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
    """A way to run containers."""

    def prepare(self, image: PulledImage) -> None:
        """The slow part, once an image.

        Raises:
            UnsupportedImageError: it cannot be run.
        """

    def start(self, launch: Launch, folder: Path, sink: Sink) -> Container:
        """Start a container whose own files lie in `folder`."""
