"""What can be said of any mask of strokes: its connected parts, their thickness, what a rectangle fits into."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]  # 0 or 255
Flags = npt.NDArray[np.bool_]

SMALL_MARK = 0.12  # of the drawing's size: letters, symbols, loose furniture


@dataclass(frozen=True)
class Components:
    """Connected strokes: the label of every pixel, and per label x, y, width, height, area (label 0 is the paper)."""

    labels: npt.NDArray[np.int32]
    stats: npt.NDArray[np.int32]

    @property
    def extent(self) -> npt.NDArray[np.int32]:
        """Longer side of each component's bounding box in pixels."""
        return np.asarray(self.stats[:, 2:4].max(axis=1), np.int32)

    @property
    def area(self) -> npt.NDArray[np.int32]:
        """Pixels of each component."""
        return self.stats[:, cv2.CC_STAT_AREA]

    def keep(self, chosen: Flags) -> Mask:
        """Mask of the chosen components; the paper is never one of them."""
        lookup = np.where(chosen, np.uint8(255), np.uint8(0))
        lookup[0] = 0
        return np.asarray(lookup[self.labels], np.uint8)


def components(mask: Mask) -> Components:
    """Label the connected strokes (8-connected)."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
    return Components(np.asarray(labels, np.int32), np.asarray(stats, np.int32))


def opened(mask: Mask, width: int, height: int | None = None) -> Mask:
    """Keep what a rectangle of this size in pixels (a square by default) fits into."""
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((height or width, width), np.uint8)), np.uint8)


def grown(mask: Mask, side: int) -> Mask:
    """Draw every pixel as a square with this odd side."""
    return np.asarray(cv2.dilate(mask, np.ones((side, side), np.uint8)), np.uint8)


def drawing_size(mask: Mask) -> float:
    """Side in pixels of the square as large as the bounding box of the strokes that are not small."""
    parts = components(mask)
    large = parts.stats[1:][parts.extent[1:] > SMALL_MARK * max(mask.shape)]
    if not len(large):
        return 0.0
    left, top = large[:, 0].min(), large[:, 1].min()
    right, bottom = (large[:, 0] + large[:, 2]).max(), (large[:, 1] + large[:, 3]).max()
    return math.sqrt(int(right - left) * int(bottom - top))


def ridge_thickness(mask: Mask) -> npt.NDArray[np.float32]:
    """Stroke thickness in pixels at the pixels along the middle of every stroke, in no order."""
    ending = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)  # strokes end at the edge of the sheet
    distance = np.asarray(cv2.distanceTransform(ending, cv2.DIST_L2, 3), np.float32)
    ridge = (distance > 0) & (distance >= np.asarray(cv2.dilate(distance, np.ones((3, 3), np.uint8))))
    return np.asarray(2 * distance[ridge] - 1, np.float32)
