"""How well detected rooms agree with the true ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

MATCH = 0.5  # intersection over union from which a detection counts as that room
Polygon = npt.NDArray[np.float64] | npt.NDArray[np.int32]


@dataclass(frozen=True)
class Score:
    """Counts that add up over images."""

    true: int = 0
    detected: int = 0
    matched: int = 0
    overlap: float = 0.0  # sum of the matches' intersection over union

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.true + other.true,
            self.detected + other.detected,
            self.matched + other.matched,
            self.overlap + other.overlap,
        )

    @property
    def recall(self) -> float:
        """Share of the true rooms that were found."""
        return self.matched / self.true if self.true else 1.0

    @property
    def precision(self) -> float:
        """Share of the detected rooms that are rooms."""
        return self.matched / self.detected if self.detected else 1.0

    @property
    def mean_overlap(self) -> float:
        """Mean intersection over union of the matches."""
        return self.overlap / self.matched if self.matched else 0.0


def score(true: Sequence[Polygon], detected: Sequence[Polygon], shape: tuple[int, int]) -> Score:
    """Match detections to true rooms one to one, best overlap first, on an image of `shape` (height, width)."""
    truth, found = ([_painted(polygon, shape) for polygon in polygons] for polygons in (true, detected))
    overlaps = [(_overlap(a, b), i, j) for i, a in enumerate(truth) for j, b in enumerate(found)]
    free_truth, free_found = set(range(len(truth))), set(range(len(found)))
    matched, total = 0, 0.0
    for overlap, i, j in sorted(overlaps, reverse=True):
        if overlap >= MATCH and i in free_truth and j in free_found:
            free_truth.remove(i)
            free_found.remove(j)
            matched, total = matched + 1, total + overlap
    return Score(len(truth), len(found), matched, total)


@dataclass(frozen=True)
class _Painted:
    left: int
    top: int
    mask: npt.NDArray[np.uint8]
    area: int


def _painted(polygon: Polygon, shape: tuple[int, int]) -> _Painted:
    points = np.clip(np.rint(polygon), 0, (shape[1] - 1, shape[0] - 1)).astype(np.int32)
    left, top, width, height = cv2.boundingRect(points)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [points - (left, top)], 1)
    return _Painted(left, top, mask, int(mask.sum()))


def _overlap(one: _Painted, other: _Painted) -> float:
    left, top = max(one.left, other.left), max(one.top, other.top)
    right = min(one.left + one.mask.shape[1], other.left + other.mask.shape[1])
    bottom = min(one.top + one.mask.shape[0], other.top + other.mask.shape[0])
    if right <= left or bottom <= top:
        return 0.0
    cut_one, cut_other = (
        part.mask[top - part.top : bottom - part.top, left - part.left : right - part.left] for part in (one, other)
    )
    both = int((cut_one & cut_other).sum())
    return both / (one.area + other.area - both)


def measured_limits(shape: tuple[int, ...]) -> dict[str, float]:
    """Area limits that mean the same rooms on images of any size as the defaults do at 1200 x 900 pixels."""
    scale = shape[0] * shape[1] / (1200 * 900)
    return {"min_area": 1000 * min(scale, 1.0), "max_area": 1_000_000 * max(scale, 1.0), "epsilon_factor": 0.01}
