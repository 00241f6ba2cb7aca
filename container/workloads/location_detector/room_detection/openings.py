"""Closes doors and windows: an opening is a gap that a jamb faces.

From its jamb a wall is extended straight on until it meets another wall: a jamb that faces back, at the distance of a
door or a window, or the side of a wall, at the distance of a door.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from room_detection.jambs import Jambs, drawn_at, find_jambs, joined
from room_detection.strokes import Flags, Mask, opened
from room_detection.walls import Walls, doubtful_strokes, thickness_classes, without

FARTHEST = 0.45  # of the drawing's size
DOOR = 0.09  # of the drawing's size, where there are too few doors to measure
WIDEST_DOOR = 0.25
WINDOW = 0.2
FEWEST_DOORS = 4
DOOR_PERCENTILE = 40  # doors are the narrower gaps, windows the wider

Distances = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Gaps:
    """The gap before each jamb in pixels, whether another jamb looks back across it, and a door's usual width."""

    jambs: Jambs
    width: Distances
    mutual: Flags
    door: float

    @property
    def beside_wall(self) -> Flags:
        """Whether a plain jamb faces the side of a wall at a door's width."""
        return self.jambs.plain & (self.width < 1.4 * self.door)


def find_gaps(walls: Walls, size: float) -> Gaps:
    """Return the gap before every wall's end; `size` is the drawing's size in pixels.

    Walls are looked at by thickness, thinnest first, so that thin strokes at a thick wall do not hide its end.
    """
    found: list[Jambs] = []
    widths: list[Distances] = []
    mutual: list[Flags] = []
    for scale in thickness_classes(walls):
        mask = opened(walls.mask, round(scale)) if found else walls.mask
        jambs = find_jambs(mask, scale, walls.mask)
        width = _widths(mask, jambs, max(3, round(FARTHEST * size)))
        found.append(jambs)
        widths.append(width)
        mutual.append(_facing(jambs, width, max(4.0, 1.5 * scale)))
    everything, width, back = joined(found), np.concatenate(widths), np.concatenate(mutual)
    return Gaps(everything, width, back, _usual_door(everything, width[back], back, size))


def _usual_door(jambs: Jambs, width: Distances, mutual: Flags, size: float) -> float:
    span = np.linalg.norm(jambs.along[mutual], axis=1)
    doors = width[(width < WIDEST_DOOR * size) & (width > 0.5 * span)]
    return float(np.percentile(doors, DOOR_PERCENTILE)) if len(doors) >= FEWEST_DOORS else DOOR * size


def _widths(mask: Mask, jambs: Jambs, reach: int) -> Distances:
    """Pixels from each jamb straight on to the next wall; infinite where there is none within reach."""
    steps = np.arange(2, reach + 1, dtype=np.float64)
    hits = []
    for share in (0.25, 0.5, 0.75):
        start = jambs.first * (1 - share) + jambs.second * share
        wall = drawn_at(mask, start[:, None, :] + jambs.outward[:, None, :] * steps[None, :, None])
        hits.append(np.where(wall.any(axis=1), steps[wall.argmax(axis=1)], np.inf))
    return np.asarray(np.median(hits, axis=0), np.float64)


def _facing(jambs: Jambs, width: Distances, tolerance: float) -> Flags:
    """Whether the wall that each jamb looks at ends there in a jamb that looks back."""
    if not len(jambs):
        return np.zeros(0, bool)
    reached = jambs.middle + jambs.outward * np.where(np.isfinite(width), width, 1e9)[:, None]
    near = np.linalg.norm(reached[:, None, :] - jambs.middle[None, :, :], axis=2) <= tolerance
    opposed = jambs.outward @ jambs.outward.T < -0.9
    return np.asarray((near & opposed).any(axis=1), bool)


def without_leaves(walls: Walls, gaps: Gaps) -> Walls:
    """Drop short strokes that no doorway ends at: leaves of doors, sinks, steps."""
    parts = doubtful_strokes(walls, 1.25 * gaps.door)
    doorway = gaps.mutual & (gaps.width < 3 * gaps.door)
    doorway |= gaps.beside_wall & (gaps.width > 0.6 * gaps.door)
    inside = gaps.jambs.middle - 2 * gaps.jambs.outward
    x, y = np.rint(inside[doorway]).astype(np.int64).T
    dropped = np.ones(len(parts.stats), bool)
    dropped[parts.labels[y, x]] = False
    return without(walls, parts, dropped)


def close(walls: Walls, gaps: Gaps, size: float) -> Mask:
    """Return the walls' mask with doors and windows closed; `size` is the drawing's size in pixels."""
    closes = gaps.beside_wall | (gaps.mutual & (gaps.width <= max(3 * gaps.door, WINDOW * size)))
    jambs = gaps.jambs.where(closes)
    span = jambs.outward * (gaps.width[closes] + 1)[:, None]
    corners = np.stack([jambs.first, jambs.second, jambs.second + span, jambs.first + span], axis=1)
    bridged = walls.mask.copy()
    for corner in np.rint(corners).astype(np.int32):
        cv2.fillPoly(bridged, [corner], 255)
    return bridged
