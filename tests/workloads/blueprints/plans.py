"""Random floor plans: which rooms there are, where their walls run and where a wall is opened.

A plan lives on a grid of decimetre cells; every cell holds the number of its room, 0 outside the building. Lengths in
`Opening` and `Wall` are decimetres too.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tests.workloads.blueprints.styles import Style

Cells = npt.NDArray[np.int32]
DOOR_WIDTHS = (7, 8, 9, 10)
SMALLEST_SIDE = 19


@dataclass(frozen=True)
class Wall:
    """A straight piece of wall with the same two rooms along its whole length."""

    vertical: bool
    position: int
    start: int
    end: int
    rooms: tuple[int, int]

    @property
    def outer(self) -> bool:
        """Whether it separates a room from the outside."""
        return 0 in self.rooms

    @property
    def length(self) -> int:
        """Length between the crossing walls' centre lines."""
        return self.end - self.start


@dataclass(frozen=True)
class Opening:
    """A door or a window: the stretch `start..end` of a wall."""

    wall: Wall
    start: float
    end: float
    kind: str  # door or window
    hinge_at_start: bool = True
    into_first: bool = True


@dataclass(frozen=True)
class Box:
    """A rectangle of cells."""

    x: int
    y: int
    width: int
    height: int

    @property
    def area(self) -> int:
        """Number of cells."""
        return self.width * self.height


@dataclass(frozen=True)
class Plan:
    """A building: its cells, the largest box of every room, its walls and their openings."""

    cells: Cells
    boxes: dict[int, Box]
    walls: tuple[Wall, ...]
    openings: tuple[Opening, ...]


def random_plan(style: Style, rng: np.random.Generator) -> Plan:
    """Draw the lots: a building that suits the style."""
    width = int(rng.integers(*style.building_width))
    height = int(width * rng.uniform(0.62, 0.8))
    boxes = dict(enumerate(_partition(Box(0, 0, width, height), style, rng), start=1))
    cells = np.zeros((height, width), np.int32)
    for room, box in boxes.items():
        cells[box.y : box.y + box.height, box.x : box.x + box.width] = room
    if rng.random() < style.cut_corner:
        cells, boxes = _cut_corner(cells, boxes, rng)
    for _ in range(3):
        if rng.random() < style.merged_rooms:
            cells, boxes = _merge_two(cells, boxes, rng)
    walls = tuple(walls_of(cells))
    return Plan(cells, boxes, walls, tuple(_openings(walls, style, rng)))


def _partition(box: Box, style: Style, rng: np.random.Generator) -> list[Box]:
    if rng.random() < style.corridor and box.area > 6000:
        return _along_corridor(box, style, rng)
    longer, shorter = max(box.width, box.height), min(box.width, box.height)
    target = rng.integers(*style.room_area)
    if longer < 2 * SMALLEST_SIDE or (box.area < target and longer < 2.2 * shorter):
        return [box]
    low, high = max(SMALLEST_SIDE, int(longer * 0.33)), min(longer - SMALLEST_SIDE, int(longer * 0.67))
    first, second = _split(box, int(rng.integers(low, high + 1)))
    return _partition(first, style, rng) + _partition(second, style, rng)


def _along_corridor(box: Box, style: Style, rng: np.random.Generator) -> list[Box]:
    longer_is_width = box.width >= box.height
    across = box.height if longer_is_width else box.width
    corridor = int(rng.integers(11, 16))
    first = int(rng.integers(int(across * 0.38), int(across * 0.5)))
    if longer_is_width:
        upper = Box(box.x, box.y, box.width, first)
        middle = Box(box.x, box.y + first, box.width, corridor)
        lower = Box(box.x, box.y + first + corridor, box.width, box.height - first - corridor)
    else:
        upper = Box(box.x, box.y, first, box.height)
        middle = Box(box.x + first, box.y, corridor, box.height)
        lower = Box(box.x + first + corridor, box.y, box.width - first - corridor, box.height)
    without = replace(style, corridor=0.0)
    return [middle, *_partition(upper, without, rng), *_partition(lower, without, rng)]


def _split(box: Box, at: int) -> tuple[Box, Box]:
    if box.width >= box.height:
        return Box(box.x, box.y, at, box.height), Box(box.x + at, box.y, box.width - at, box.height)
    return Box(box.x, box.y, box.width, at), Box(box.x, box.y + at, box.width, box.height - at)


def _cut_corner(cells: Cells, boxes: dict[int, Box], rng: np.random.Generator) -> tuple[Cells, dict[int, Box]]:
    """Give the room at one corner to the outside, unless that would tear the building apart."""
    corners = sorted({int(cells[y, x]) for y in (0, -1) for x in (0, -1)})
    room = int(rng.choice(corners))
    remaining = np.where(cells == room, 0, cells)
    if len(boxes) < 5 or boxes[room].area > cells.size * 0.25 or not _connected(remaining):
        return cells, boxes
    return remaining, {number: box for number, box in boxes.items() if number != room}


def _merge_two(cells: Cells, boxes: dict[int, Box], rng: np.random.Generator) -> tuple[Cells, dict[int, Box]]:
    """Join two neighbours into an L- or T-shaped room."""
    pairs = sorted({wall.rooms for wall in walls_of(cells) if not wall.outer and wall.length >= SMALLEST_SIDE - 3})
    pairs = [(a, b) for a, b in pairs if (cells == a).sum() + (cells == b).sum() < cells.size * 0.4]
    if len(boxes) < 5 or not pairs:
        return cells, boxes
    kept, gone = pairs[int(rng.integers(len(pairs)))]
    largest = max(boxes[kept], boxes[gone], key=lambda box: box.area)
    merged = {number: box for number, box in boxes.items() if number != gone} | {kept: largest}
    return np.where(cells == gone, kept, cells), merged


def _connected(cells: Cells) -> bool:
    rooms = {int(room) for room in np.unique(cells)} - {0}
    return len(_spanning_tree([wall for wall in walls_of(cells) if not wall.outer])) == len(rooms) - 1


def walls_of(cells: Cells) -> list[Wall]:
    """Return the straight pieces of wall between cells of different rooms."""
    return _walls_across(cells, vertical=True) + _walls_across(cells.T, vertical=False)


def _walls_across(cells: Cells, *, vertical: bool) -> list[Wall]:
    padded = np.pad(cells, ((0, 0), (1, 1)))
    walls = []
    for position in range(padded.shape[1] - 1):
        before, after = padded[:, position], padded[:, position + 1]
        changes = np.flatnonzero((np.diff(before) != 0) | (np.diff(after) != 0)) + 1
        bounds = [0, *changes.tolist(), len(before)]
        for start, end in pairwise(bounds):
            rooms = (int(before[start]), int(after[start]))
            if rooms[0] != rooms[1]:
                walls.append(Wall(vertical, position, start, end, rooms))
    return walls


def _spanning_tree(walls: list[Wall]) -> list[Wall]:
    """Walls to put doors in so that every room can be reached: Kruskal's algorithm in the order given."""
    leader: dict[int, int] = {}

    def find(room: int) -> int:
        while leader.setdefault(room, room) != room:
            room = leader[room]
        return room

    tree = []
    for wall in walls:
        first, second = (find(room) for room in wall.rooms)
        if first != second:
            leader[first] = second
            tree.append(wall)
    return tree


def _openings(walls: tuple[Wall, ...], style: Style, rng: np.random.Generator) -> list[Opening]:
    margin = 10 * style.outer_wall[1] / 2
    inner = [wall for wall in walls if not wall.outer and wall.length >= 2 * margin + 9]
    rng.shuffle(inner)
    with_door = _spanning_tree(inner)
    with_door += [wall for wall in inner if wall not in with_door and rng.random() < style.extra_doors]
    outer = [wall for wall in walls if wall.outer and wall.length >= 16]
    entrance = outer[int(rng.integers(len(outer)))]
    openings = [_door(wall, margin, rng) for wall in [*with_door, entrance]]
    if style.windows:
        openings += [_window(wall, rng) for wall in outer if wall is not entrance and rng.random() < 0.8]
    return openings


def _door(wall: Wall, margin: float, rng: np.random.Generator) -> Opening:
    """A door beside a crossing wall, as most are, or anywhere along the wall."""
    room = wall.length - 2 * margin
    width = min(float(rng.choice(DOOR_WIDTHS)), room - 1)
    slack = room - width
    offset = min(slack, rng.choice([1.0, 1.5, 2.0])) if rng.random() < 0.5 else rng.uniform(0, slack)
    if rng.random() < 0.5:
        offset = slack - offset
    start = wall.start + margin + offset
    return Opening(wall, start, start + width, "door", bool(rng.random() < 0.5), bool(rng.random() < 0.5))


def _window(wall: Wall, rng: np.random.Generator) -> Opening:
    width = min(float(rng.uniform(9, 22)), wall.length - 9)
    start = wall.start + (wall.length - width) * rng.uniform(0.35, 0.65)
    return Opening(wall, start, start + width, "window")
