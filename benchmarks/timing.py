"""Timing whole commands against a reference in the same run: on a noisy machine only the ratio means something."""

import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """Seconds of a command and of its reference, run in turn; `ratio` is the median of the ratios pair by pair."""

    seconds: list[float]
    reference_seconds: list[float]

    @property
    def ratio(self) -> float:
        """How many times as long as the reference."""
        return statistics.median(a / b for a, b in zip(self.seconds, self.reference_seconds, strict=True))


def compare(
    command: Sequence[str], reference: Sequence[str], *, runs: int, environment: Mapping[str, str] | None = None
) -> Comparison:
    """Run both `runs` times in turn, after one run of each that does not count."""
    _seconds(command, environment)
    _seconds(reference, environment)
    pairs = [(_seconds(command, environment), _seconds(reference, environment)) for _ in range(runs)]
    return Comparison([pair[0] for pair in pairs], [pair[1] for pair in pairs])


def _seconds(command: Sequence[str], environment: Mapping[str, str] | None) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - started
