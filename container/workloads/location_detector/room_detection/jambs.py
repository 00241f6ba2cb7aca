"""Where walls end.

A jamb is a short edge of a wall's outline, about as long as the wall is thick, with convex corners at either end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import cv2
import numpy as np
import numpy.typing as npt

from room_detection.strokes import Flags, Mask, opened

Points = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

MOST_EDGES = 3  # of the outline that make up one jamb: its corners may be rounded
COARSEST_OUTLINE = 4.0  # pixels that an outline's simplification may be off
FINEST_OUTLINE = 1.6


@dataclass(frozen=True)
class Jambs:
    """Ends of walls: the two corners of each, the unit vector out of the wall, and whether it is plainly an end.

    Plainly: the wall behind is longer than it is thick, and nothing else is drawn beside the end.
    """

    first: Points
    second: Points
    outward: Points
    plain: Flags

    def __len__(self) -> int:
        return len(self.first)

    @property
    def middle(self) -> Points:
        """The middle of each end."""
        return (self.first + self.second) / 2

    @property
    def along(self) -> Points:
        """Vectors from the first corners to the second."""
        return self.second - self.first

    def where(self, chosen: Flags) -> "Jambs":
        """Return the chosen ones."""
        return Jambs(self.first[chosen], self.second[chosen], self.outward[chosen], self.plain[chosen])


def joined(parts: Sequence[Jambs]) -> Jambs:
    """All jambs of several."""
    return Jambs(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Jambs)))


def drawn_at(mask: Mask, points: Points) -> Flags:
    """Whether each point (any shape x 2) lies on a stroke; nothing is drawn outside the sheet."""
    x, y = np.moveaxis(np.rint(points).astype(np.int64), -1, 0)
    inside = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
    drawn = np.zeros(x.shape, bool)
    drawn[inside] = mask[y[inside], x[inside]] > 0
    return drawn


def find_jambs(mask: Mask, scale: float, everything: Mask) -> Jambs:
    """Return the ends of the walls that are once to twice as thick as `scale`; thinner ones are gone from `mask`.

    Ends are looked for in all strokes, and once more in those along each axis alone, because a door's leaf hides the
    corner of the jamb that it hangs on. `everything` is the mask with the thinner walls.
    """
    length = round(2 * scale)
    found = [_jambs_in(mask, scale)]
    for axis, strokes in enumerate((opened(mask, length, 1), opened(mask, 1, length))):
        jambs = _jambs_in(strokes, scale)
        found.append(jambs.where(np.abs(jambs.outward[:, axis]) > 0.9))
    jambs = joined(found)
    along = jambs.along / np.maximum(np.linalg.norm(jambs.along, axis=1), 1e-9)[:, None]
    passed = [
        drawn_at(everything, corner + side * along - 2 * jambs.outward)
        for corner, side in ((jambs.first, -3), (jambs.second, 3))
    ]
    # What other strokes go past on both sides is not the end of a wall but where it meets another.
    plain = replace(jambs, plain=jambs.plain & ~passed[0] & ~passed[1])
    return plain.where(~(passed[0] & passed[1]))


def _jambs_in(mask: Mask, scale: float) -> Jambs:
    corners, following, preceding = _outlines(mask, min(COARSEST_OUTLINE, max(FINEST_OUTLINE, 0.3 * scale)))
    edge = corners[following] - corners
    length = np.linalg.norm(edge, axis=1)
    direction = edge / np.maximum(length, 1e-9)[:, None]
    convex = _turns_out(direction[preceding], direction)
    span = np.ones_like(length)  # outlines run through the centres of pixels: one pixel short
    last = np.arange(len(corners))
    chain = [last]
    found = []
    for _ in range(MOST_EDGES):
        span = span + length[last]
        after = following[last]
        chain.append(after)
        convex &= _turns_out(direction[last], direction[after])
        before = direction[preceding]
        back = (before * direction[after]).sum(axis=1) < -0.94
        sides = np.sort([length[preceding], length[after]], axis=0)
        chosen = convex & back & (span >= 0.7 * scale) & (span <= 2.4 * scale + 3) & (sides[0] >= max(2.5, 0.3 * scale))
        outward = _along_axes(before[chosen] - direction[after][chosen])
        plain = (sides[0] >= 0.5 * span) & (sides[1] >= 1.5 * span)
        ends = _squared(np.array([corners[index[chosen]] for index in chain]), outward)
        found.append(Jambs(*ends, outward, plain[chosen]))
        last = after
    return joined(found)


def _outlines(mask: Mask, tolerance: float) -> tuple[Points, Indices, Indices]:
    """Corners of all outlines and holes of strokes, with the index of the corner after and before each."""
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    polygons = [cv2.approxPolyDP(contour, tolerance, closed=True).reshape(-1, 2) for contour in contours]
    polygons = [polygon for polygon in polygons if len(polygon) >= 4]
    if not polygons:
        return np.empty((0, 2)), np.empty(0, np.int64), np.empty(0, np.int64)
    sizes = np.array([len(polygon) for polygon in polygons])
    starts = np.cumsum(sizes) - sizes
    following = np.arange(1, sizes.sum() + 1)
    following[starts + sizes - 1] = starts
    preceding = np.empty_like(following)
    preceding[following] = np.arange(len(following))
    return np.concatenate(polygons).astype(np.float64), following, preceding


def _squared(chains: Points, outward: Points) -> tuple[Points, Points]:
    """First and last points of chains (edges + 1 x chains x 2), moved out to where the wall ends: it may be round."""
    reach = (chains * outward).sum(axis=2)
    out = reach.max(axis=0) - reach
    return chains[0] + out[0][:, None] * outward, chains[-1] + out[-1][:, None] * outward


def _turns_out(one: Points, other: Points) -> Flags:
    # OpenCV walks around strokes with the stroke on the same side, in outlines and in holes alike: convex turns are
    # negative in both.
    return np.asarray(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0] < -0.2, bool)


def _along_axes(directions: Points) -> Points:
    """Unit vectors; those that nearly follow an axis are straightened, because the sheet is upright."""
    unit = directions / np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-9)
    snapped = np.where(np.abs(unit) < 0.2, 0.0, unit)
    return np.asarray(snapped / np.maximum(np.linalg.norm(snapped, axis=1, keepdims=True), 1e-9), np.float64)
