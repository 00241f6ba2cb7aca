"""How well and how fast location_detector finds rooms, on blueprints whose rooms are known.

Recall and precision count a room as found where detection and truth share half of their union. Time is given per
megapixel and as a multiple of a reference measured in the same run: median blur (5 x 5) and connected components of
the same image by OpenCV.

    python benchmarks/location_detector.py --seeds 20
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "container/workloads/location_detector")]

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from room_detection.detection import detect  # noqa: E402
from room_detection.normalising import Gray  # noqa: E402

from tests.workloads.blueprints import FAMILIES, VARIATIONS, Style, blueprint  # noqa: E402
from tests.workloads.scoring import Score, measured_limits, score  # noqa: E402

STYLES = {**FAMILIES, **VARIATIONS}
PROMISED = 0.95


@dataclass(frozen=True)
class Row:
    """Measurements of one family."""

    family: str
    promised: bool
    score: Score
    seconds: float
    reference_seconds: float
    megapixels: float

    def document(self) -> dict[str, object]:
        """The row for JSON and for the table."""
        return {
            "family": self.family,
            "promised": self.promised,
            "rooms": self.score.true,
            "recall": round(self.score.recall, 4),
            "precision": round(self.score.precision, 4),
            "mean_iou": round(self.score.mean_overlap, 4),
            "ms_per_megapixel": round(1000 * self.seconds / self.megapixels, 1),
            "times_reference": round(self.seconds / self.reference_seconds, 1),
        }


def reference(image: Gray) -> None:
    """The work that time is compared with."""
    _, mask = cv2.threshold(cv2.medianBlur(image, 5), 128, 255, cv2.THRESH_BINARY)
    cv2.connectedComponentsWithStats(mask)


def timed(work: Callable[[], object]) -> float:
    """Seconds of the faster of two runs."""
    times = []
    for _ in range(2):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(family: str, style: Style, seeds: range) -> Row:
    """Draw a family's blueprints and find their rooms."""
    total, seconds, reference_seconds, pixels = Score(), 0.0, 0.0, 0
    for seed in seeds:
        drawing = blueprint(style, seed)
        image = np.asarray(cv2.cvtColor(drawing.image, cv2.COLOR_BGR2GRAY), np.uint8)
        limits = measured_limits(image.shape)
        found = detect(image, **limits)
        total += score(drawing.rooms, [room.vertices for room in found], drawing.image.shape[:2])
        seconds += timed(lambda image=image, limits=limits: detect(image, **limits))  # type: ignore[misc]
        reference_seconds += timed(lambda image=image: reference(image))  # type: ignore[misc]
        pixels += image.size
    return Row(family, family in FAMILIES, total, seconds, reference_seconds, pixels / 1e6)


def overall(rows: list[Row]) -> Row:
    """Sum of the families whose quality is promised."""
    promised = [row for row in rows if row.promised]
    total = sum((row.score for row in promised), Score())
    seconds, reference_seconds, megapixels = (
        sum(getattr(row, name) for row in promised) for name in ("seconds", "reference_seconds", "megapixels")
    )
    return Row("all promised", True, total, seconds, reference_seconds, megapixels)


def table(rows: list[Row]) -> str:
    """The rows as aligned text."""
    heads = ["family", "rooms", "recall", "precision", "mean IoU", "ms/Mpx", "x reference"]
    names = ["family", "rooms", "recall", "precision", "mean_iou", "ms_per_megapixel", "times_reference"]
    cells = [heads] + [[str(row.document()[name]) for name in names] for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def main() -> int:
    """Print the table; with `--strict`, 1 if a promised family falls below 0.95, else 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=25, help="blueprints per family (default 25)")
    parser.add_argument("--first-seed", type=int, default=50_000, help="seed of the first blueprint (default 50000)")
    parser.add_argument("--family", action="append", choices=list(STYLES), help="only this one; may be repeated")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a promised family falls below 0.95")
    options = parser.parse_args()
    if options.seeds < 1 or options.first_seed < 0:
        parser.error("--seeds must be at least 1 and --first-seed at least 0")
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    rows = []
    for family in options.family or STYLES:
        print(f"{family} ...", file=sys.stderr)
        rows.append(measure(family, STYLES[family], seeds))
    if any(row.promised for row in rows):
        rows.append(overall(rows))
    print(json.dumps([row.document() for row in rows], indent=1) if options.json else table(rows))
    kept = all(min(row.score.recall, row.score.precision) >= PROMISED for row in rows if row.promised)
    return int(options.strict and not kept)


if __name__ == "__main__":
    sys.exit(main())
