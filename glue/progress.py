"""How a use case tells what it is doing, without knowing who listens."""

from typing import Protocol


class Reporter(Protocol):
    """Hears of steps as they happen. Implementations print on standard error, or not at all."""

    def step(self, text: str) -> None:
        """Something starts."""

    def note(self, text: str) -> None:
        """A fact worth knowing about the current step."""

    def progress(self, text: str, done: float, total: float | None) -> None:
        """`done` of `total` units (None: unknown) of the current step are through."""


class Silent:
    """A reporter for callers that want none."""

    def step(self, text: str) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def progress(self, text: str, done: float, total: float | None) -> None:
        """Say nothing."""


def mebibytes(size: int) -> float:
    """`size` bytes in MiB, as people read it."""
    return round(size / (1 << 20), 1)
