"""Which strokes are walls.

Walls are drawn in three ways: filled (strokes thicker than the pen of text and furniture), as outlines (empty, tinted
or hatched) and as single lines. Each way has a function that returns what the walls are if the drawing is of that kind.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from room_detection.pens import Pen
from room_detection.strokes import (
    Components,
    Flags,
    Mask,
    components,
    drawing_size,
    grown,
    opened,
    ridge_thickness,
)

# Shares of the drawing's size. Where walls are outlines:
WIDEST_CAVITY = 0.045  # the inside of an outer wall
LARGEST_FURNITURE = 0.25
SMALLEST_WALL = 0.06
# Where walls are single lines:
SHORTEST_LINE = 0.05
SMALLEST_PIECE = 0.1

NEGLIGIBLE = 0.03  # share of the ink


@dataclass(frozen=True)
class Walls:
    """Mask of the walls, with the least and the largest thickness in pixels."""

    mask: Mask
    thinnest: float
    thickest: float


def filled(ink: Mask, pen: Pen) -> Walls:
    """All strokes thicker than the pen."""
    return _measured(opened(ink, pen.limit + 1), pen.width + 1)


def everything(ink: Mask) -> Walls:
    """All strokes."""
    return _measured(ink, _least_thickness(ink))


def _least_thickness(mask: Mask) -> int:
    enough = (1 - NEGLIGIBLE) * cv2.countNonZero(mask)
    thickness = 1
    while thickness < min(mask.shape) and 0 < enough < cv2.countNonZero(opened(mask, thickness + 2)):
        thickness += 1
    return thickness


def outlined(ink: Mask, pen: Pen) -> Walls:
    """Lines, and everything they enclose that is too narrow to be a room."""
    lines = _mended(ink)
    space = cv2.copyMakeBorder(cv2.bitwise_not(lines), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=255)
    count, labels = cv2.connectedComponents(space, connectivity=4, ltype=cv2.CV_32S)
    wide = cv2.distanceTransform(space, cv2.DIST_L2, 3) > WIDEST_CAVITY * drawing_size(ink) / 2
    narrow = np.bincount(labels[wide], minlength=count) == 0
    narrow[0] = False
    cavities = np.where(narrow[labels], np.uint8(255), np.uint8(0))
    thinnest = 2 * pen.width + 3
    solid = opened(np.asarray(cv2.bitwise_or(cavities, cv2.bitwise_not(space)), np.uint8), thinnest)
    # Steps, shelves and the like are as narrow, but many of them lie side by side.
    thickness = ridge_thickness(solid)
    blocks = opened(solid, round(1.35 * float(np.percentile(thickness, 92)))) if thickness.size else solid
    stacked = np.bincount(labels[blocks > 0], minlength=count) > 0.85 * np.bincount(labels.ravel(), minlength=count)
    mask = np.where((narrow & ~stacked)[labels[1:-1, 1:-1]], np.uint8(255), lines)
    return _measured(_without_loose_furniture(opened(mask, thinnest), drawing_size(ink)), thinnest)


def _without_loose_furniture(mask: Mask, size: float) -> Mask:
    """Drop what is small, and rings: the edges of tables and rugs."""
    kept = mask.copy()
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for contour in contours:
        x, y, width, height = cv2.boundingRect(contour)
        drawn = cv2.countNonZero(mask[y : y + height, x : x + width])
        ring = cv2.contourArea(contour) > 1.5 * drawn
        if max(width, height) < (LARGEST_FURNITURE if ring else SMALLEST_WALL) * size:
            cv2.drawContours(kept, [contour], -1, 0, cv2.FILLED)
    return kept


def _mended(ink: Mask) -> Mask:
    return np.asarray(cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)), np.uint8)


def single(ink: Mask) -> Walls:
    """Long straight lines."""
    size = drawing_size(ink)
    length = max(3, round(SHORTEST_LINE * size))
    thick = grown(ink, 3)
    lines = cv2.bitwise_or(opened(thick, 1, length), opened(thick, length, 1))
    parts = components(np.asarray(lines, np.uint8))
    return _measured(parts.keep(parts.extent > SMALLEST_PIECE * size), 3)


def _measured(mask: Mask, thinnest: float) -> Walls:
    thickness = ridge_thickness(mask)
    # A percentile of the length, so that a few blots do not count.
    thickest = float(np.percentile(thickness, 92)) if thickness.size else 0.0
    return Walls(_without_loose_parts(mask, 0.9 * thickest), thinnest, thickest)


def _without_loose_parts(mask: Mask, smallest: float) -> Mask:
    """Drop blots, and a border around the sheet: what is small, or surrounds the heaviest part without touching it."""
    parts = components(mask)
    if len(parts.stats) < 2:
        return mask
    heaviest = 1 + int(parts.area[1:].argmax())
    left, top, width, height = parts.stats[:, :4].T
    around = (left < left[heaviest]) & (top < top[heaviest])
    around &= (left + width > left[heaviest] + width[heaviest]) & (top + height > top[heaviest] + height[heaviest])
    return parts.keep((parts.extent >= smallest) & ~around)


def thickness_classes(walls: Walls) -> list[float]:
    """Limits between which a class of walls lies: thicknesses, about twice apart, that few of the walls have."""
    ridge = np.rint(ridge_thickness(walls.mask)).astype(np.int64)
    near = np.convolve(np.bincount(ridge, minlength=round(3 * walls.thickest) + 3), np.ones(3), mode="same")
    limits = [walls.thinnest]
    while limits[-1] * 1.5 < walls.thickest:
        low, high = round(limits[-1] * 1.5), round(limits[-1] * 2.2)
        limits.append(float(low + near[low : high + 1].argmin()))
    return limits


def doubtful_strokes(walls: Walls, longest: float) -> Components:
    """Strokes of walls that may be none: little thicker than the pen, and no longer than `longest` pixels.

    Marks of the pen that run together, like the two lines of a door's leaf, are as thick as the thinnest walls.
    """
    length = max(1, round(longest))
    certain = opened(walls.mask, 2 * round(walls.thinnest))
    for strokes in (opened(walls.mask, length, 1), opened(walls.mask, 1, length)):
        certain = np.asarray(cv2.bitwise_or(certain, strokes), np.uint8)
    parts = components(np.asarray(cv2.subtract(walls.mask, grown(certain, 2 * round(walls.thinnest) + 1)), np.uint8))
    return components(parts.keep(parts.extent < longest))


def without(walls: Walls, parts: Components, chosen: Flags) -> Walls:
    """Walls without the chosen parts of them."""
    return _measured(np.asarray(cv2.subtract(walls.mask, parts.keep(chosen)), np.uint8), walls.thinnest)
