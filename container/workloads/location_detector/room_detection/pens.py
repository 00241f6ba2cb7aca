"""How thick the pen was that drew text, furniture and doors: what walls are told from."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from room_detection.strokes import SMALL_MARK, Mask, components, drawing_size, opened

THICKEST = 12
FEWEST_MARKS = 5
SMALLEST_MARK = 5  # pixels: less is dust
FEW = 0.18  # of the length of the strokes that a class has most of
SIGNIFICANT = 0.05
HARDLY_ANY = 0.12

Lengths = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pen:
    """A pen's thickness in pixels, up to which strokes are taken for its own; the share of the ink that is thicker; and
    whether loose marks prove it."""

    width: int
    limit: int
    thicker: float
    proven: bool


def measure_pen(ink: Mask) -> Pen:
    """Measure the thinnest pen of a drawing, on the marks that touch nothing else where there are any."""
    left = np.array([cv2.countNonZero(opened(ink, width)) for width in range(1, THICKEST + 2)], np.float64)
    length = -np.diff(left) / np.arange(1, THICKEST + 1)  # of the strokes that are 1, 2, ... pixels thick
    loose = _thickness_of_loose_marks(ink)
    width = _end_of_class(length, loose or _first_class(length))
    return Pen(width, _fewest_after(length, width), float(left[width] / max(left[0], 1.0)), loose > 0)


def _thickness_of_loose_marks(ink: Mask) -> int:
    marks = components(ink)
    # A full bar is no mark of a pen but a piece of wall between two doors.
    bars = marks.area > 0.7 * marks.stats[:, 2].astype(np.int64) * marks.stats[:, 3]
    small = (marks.extent < SMALL_MARK * drawing_size(ink)) & (marks.extent > SMALLEST_MARK) & ~bars
    small[0] = False
    if small.sum() < FEWEST_MARKS:
        return 0
    drawn = marks.keep(small)
    for width in range(1, THICKEST):
        left = np.bincount(marks.labels[opened(drawn, width + 1) > 0], minlength=len(small))
        if (left[small] > 0.2 * marks.area[small]).mean() < 0.3:
            return width
    return THICKEST


def _first_class(length: Lengths) -> int:
    """The thinnest thickness that many strokes have."""
    peak = (length >= SIGNIFICANT * length.max()) & (np.append(length[1:], 0) <= length)
    return int(peak.argmax()) + 1


def _end_of_class(length: Lengths, thickness: int) -> int:
    """Go from one thickness up to where few strokes have the next one, or more again.

    Loose marks may be letters only, drawn finer than the furniture.
    """
    while thickness < THICKEST:
        most, here, following = length[:thickness].max(), length[thickness - 1], length[thickness]
        if following < FEW * most or here < following < most:
            break
        thickness += 1
    return thickness


def _fewest_after(length: Lengths, thickness: int) -> int:
    """Go on to the thickness that fewest strokes have, as long as they are hardly any."""
    most = length[:thickness].max()
    while thickness < THICKEST and length[thickness] < min(length[thickness - 1], HARDLY_ANY * most):
        thickness += 1
    return thickness
