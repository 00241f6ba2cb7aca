"""The detector: from a grey image to its rooms."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from room_detection import walls
from room_detection.normalising import Gray, Sheet, normalise
from room_detection.openings import close, find_gaps, without_leaves
from room_detection.pens import measure_pen
from room_detection.rooms import Floor, Room, floors, rooms
from room_detection.strokes import Mask, drawing_size
from room_detection.walls import Walls

NARROWEST_ROOM = 0.8  # of a door's width
MOSTLY_WALLS = 0.4  # share of the ink that walls have at least where they are filled
MOSTLY_FLOOR = 0.35  # share of the drawing that floors have at least where its walls were understood
CLEARLY_BETTER = 1.7


@dataclass(frozen=True)
class Interpretation:
    """What a drawing shows if its walls are these: the walls, and the floors between them once openings are closed."""

    walls: Mask
    floors: tuple[Floor, ...]

    @property
    def score(self) -> float:
        """Many large floors: the sum of their sizes in pixels."""
        return sum(math.sqrt(floor.area) for floor in self.floors)

    @property
    def covered(self) -> float:
        """Pixels of floor."""
        return sum(floor.area for floor in self.floors)


def detect(image: Gray, *, min_area: float, max_area: float, epsilon_factor: float) -> list[Room]:
    """Return the rooms of a drawing whose area in pixels of the image lies within the limits.

    `epsilon_factor` times a room's perimeter is how far its polygon may depart from its outline.
    """
    sheet = normalise(image)
    interpretations = _interpretations(sheet)
    best = next(interpretations)
    for other in interpretations:
        if other.score > CLEARLY_BETTER * best.score:
            best = other
    height, width = image.shape
    found = rooms(best.floors, best.walls, sheet.to_image, (height, width), epsilon_factor)
    return [room for room in found if min_area <= room.area <= max_area]


def _interpretations(sheet: Sheet) -> Iterator[Interpretation]:
    """Yield what the drawing may show, the likeliest first."""
    pen = measure_pen(sheet.ink)
    if pen.thicker > MOSTLY_WALLS:
        yield _interpreted(walls.filled(sheet.ink, pen))
    if not pen.proven:
        # The thinnest strokes may be the thinner walls of a drawing without furniture or text.
        yield _interpreted(walls.everything(sheet.ink))
    if pen.thicker > MOSTLY_WALLS:
        return
    outlined = _interpreted(walls.outlined(sheet.faint, pen))
    yield outlined
    if outlined.covered < MOSTLY_FLOOR * drawing_size(sheet.faint) ** 2:
        yield _interpreted(walls.single(sheet.faint))


def _interpreted(drawn: Walls) -> Interpretation:
    size = drawing_size(drawn.mask)
    kept = without_leaves(drawn, find_gaps(drawn, size))
    gaps = find_gaps(kept, size)
    closed = close(kept, gaps, size)
    return Interpretation(kept.mask, tuple(floors(closed, NARROWEST_ROOM * gaps.door)))
