"""From closed walls to rooms: floors, their outlines in the image's coordinates and how sure we are of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from room_detection.normalising import Matrix
from room_detection.strokes import Mask, grown

Outline = npt.NDArray[np.int32]  # points x 2

FEWEST_CORNERS = 3


@dataclass(frozen=True)
class Floor:
    """A piece of floor on the sheet, by its outer outline."""

    outline: Outline

    @property
    def area(self) -> float:
        """Pixels of the sheet within the outline."""
        return float(cv2.contourArea(self.outline))


@dataclass(frozen=True)
class Room:
    """A room in the image's coordinates: its corners, its area in pixels of the image and a confidence from 0 to 1."""

    vertices: Outline
    area: float
    confidence: float

    @property
    def bounding_box(self) -> tuple[int, int, int, int]:
        """x, y, width and height in pixels; the corners lie on its edges."""
        left, top = self.vertices.min(axis=0)
        right, bottom = self.vertices.max(axis=0)
        return int(left), int(top), int(right - left), int(bottom - top)


def floors(closed: Mask, narrowest: float) -> list[Floor]:
    """Return the pieces of floor that walls enclose and a circle of `narrowest` pixels across fits into."""
    space = cv2.copyMakeBorder(cv2.bitwise_not(closed), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=255)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(space, connectivity=4, ltype=cv2.CV_32S)
    wide = cv2.distanceTransform(space, cv2.DIST_L2, 3) >= narrowest / 2
    roomy = np.bincount(labels[wide & (space > 0)], minlength=count) > 0
    roomy[[0, int(labels[0, 0])]] = False  # walls, and what the border of the sheet belongs to
    found = []
    for label in np.flatnonzero(roomy):
        x, y, width, height = (int(value) for value in stats[label, :4])
        part = (labels[y : y + height, x : x + width] == label).astype(np.uint8)
        contours, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=(x - 1, y - 1))
        found.append(Floor(np.asarray(max(contours, key=cv2.contourArea), np.int32).reshape(-1, 2)))
    return found


def rooms(
    found: Iterable[Floor], walls: Mask, to_image: Matrix, shape: tuple[int, int], epsilon_factor: float
) -> list[Room]:
    """Return floors as rooms: polygons inside an image of `shape` (height, width), from top to bottom.

    A polygon departs from the floor's outline by at most `epsilon_factor` times the outline's length.
    """
    near_walls = grown(walls, 5)
    result = []
    for floor in found:
        tolerance = epsilon_factor * cv2.arcLength(floor.outline, closed=True)
        corners = cv2.approxPolyDP(floor.outline, tolerance, closed=True)
        corners = np.asarray(corners, np.int32).reshape(-1, 2)
        mapped = np.rint(corners @ to_image[:, :2].T + to_image[:, 2]).astype(np.int32)
        vertices = np.clip(mapped, 0, (shape[1] - 1, shape[0] - 1)).astype(np.int32)
        area = float(cv2.contourArea(vertices))
        if len(corners) >= FEWEST_CORNERS and area > 0:
            result.append(Room(vertices, area, _confidence(floor, corners, near_walls)))
    return sorted(result, key=lambda room: (room.bounding_box[1], room.bounding_box[0]))


def _confidence(floor: Floor, polygon: Outline, near_walls: Mask) -> float:
    """Share of the outline that walls were drawn along, times how closely the polygon follows the floor."""
    x, y = floor.outline.T
    walled = float((near_walls[y, x] > 0).mean())
    area = float(cv2.contourArea(polygon))
    return walled * min(area, floor.area) / max(area, floor.area, 1.0)
