"""What stands in rooms: drawn from above with the pen, in a frame whose first axis runs along the wall behind it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.workloads.blueprints.canvas import Canvas, Frame

Rectangle = tuple[float, float, float, float]  # x0, y0, x1, y1 in metres
Draw = Callable[[Canvas, Frame, float, float], None]


@dataclass(frozen=True)
class Item:
    """A piece of furniture: its sizes along and away from the wall in metres, and how to draw it."""

    width: tuple[float, float]
    depth: tuple[float, float]
    draw: Draw
    at_wall: bool = True


def _bed(canvas: Canvas, frame: Frame, width: float, depth: float) -> None:
    canvas.box(frame, 0, 0, width, depth)
    pillow = width * 0.36
    canvas.box(frame, width * 0.09, 0.1, pillow, 0.4)
    canvas.box(frame, width * 0.91 - pillow, 0.1, pillow, 0.4)
    canvas.line([frame.at(0, 0.65), frame.at(width, 0.65)])
    canvas.line([frame.at(width, 0.65), frame.at(width * 0.55, 1.15), frame.at(0, 1.15)])


def _wardrobe(canvas: Canvas, frame: Frame, width: float, depth: float) -> None:
    canvas.box(frame, 0, 0, width, depth)
    canvas.line([frame.at(0.05, depth / 2), frame.at(width - 0.05, depth / 2)])
    for a in np.arange(0.15, width - 0.1, 0.17):
        canvas.line([frame.at(a, 0.1), frame.at(a + 0.06, depth - 0.08)])


def _sofa(canvas: Canvas, frame: Frame, width: float, depth: float) -> None:
    canvas.box(frame, 0, 0, width, depth)
    canvas.box(frame, 0, 0, width, 0.22)
    canvas.box(frame, 0, 0.22, 0.2, depth - 0.22)
    canvas.box(frame, width - 0.2, 0.22, 0.2, depth - 0.22)
    canvas.line([frame.at(width / 2, 0.22), frame.at(width / 2, depth)])


def _counter(canvas: Canvas, frame: Frame, width: float, depth: float) -> None:
    canvas.box(frame, 0, 0, width, depth)
    canvas.box(frame, 0.12, 0.1, 0.5, depth - 0.2)
    canvas.arc(frame.at(0.37, depth / 2), 0.05)
    if width > 1.5:
        canvas.box(frame, width - 0.65, 0.04, 0.6, depth - 0.08)
        for a, b in ((0.5, 0.18), (0.2, 0.18), (0.5, 0.42), (0.2, 0.42)):
            canvas.arc(frame.at(width - a, b), 0.09)


def _bath(canvas: Canvas, frame: Frame, width: float, depth: float) -> None:
    canvas.box(frame, 0, 0, width, depth)
    canvas.box(frame, 0.1, 0.08, width - 0.2, depth - 0.16)
    canvas.arc(frame.at(0.3, depth / 2), 0.05)


def _shower(canvas: Canvas, frame: Frame, width: float, depth: float) -> None:
    canvas.box(frame, 0, 0, width, depth)
    canvas.line([frame.at(0, 0), frame.at(width, depth)])
    canvas.line([frame.at(width, 0), frame.at(0, depth)])


def _toilet(canvas: Canvas, frame: Frame, width: float, depth: float) -> None:
    canvas.box(frame, 0, 0, width, 0.18)
    angles = np.radians(np.linspace(0, 360, 32))
    middle = 0.18 + (depth - 0.18) / 2
    oval = zip(width / 2 + 0.45 * width * np.cos(angles), middle + (depth - 0.18) / 2 * np.sin(angles), strict=True)
    canvas.line([frame.at(float(a), float(b)) for a, b in oval])


def _stairs(canvas: Canvas, frame: Frame, width: float, depth: float) -> None:
    canvas.box(frame, 0, 0, width, depth)
    for a in np.arange(0.27, width - 0.1, 0.27):
        canvas.line([frame.at(a, 0), frame.at(a, depth)])
    canvas.line([frame.at(0.13, depth / 2), frame.at(width - 0.2, depth / 2)])
    canvas.line(
        [frame.at(width - 0.4, depth * 0.4), frame.at(width - 0.2, depth / 2), frame.at(width - 0.4, depth * 0.6)]
    )


def _table(canvas: Canvas, frame: Frame, width: float, depth: float) -> None:
    canvas.box(frame, 0.3, 0.3, width - 0.6, depth - 0.6)
    for a in np.arange(0.5, width - 0.6, 0.55):
        canvas.box(frame, a, 0, 0.4, 0.25)
        canvas.box(frame, a, depth - 0.25, 0.4, 0.25)


def _round_table(canvas: Canvas, frame: Frame, width: float, depth: float) -> None:
    centre = frame.at(width / 2, depth / 2)
    canvas.arc(centre, width * 0.32)
    for turn in np.radians((45, 135, 225, 315)):
        canvas.arc((centre[0] + width * 0.42 * np.cos(turn), centre[1] + width * 0.42 * np.sin(turn)), width * 0.11)


def _rug(canvas: Canvas, frame: Frame, width: float, depth: float) -> None:
    canvas.box(frame, 0, 0, width, depth)
    canvas.box(frame, 0.1, 0.1, width - 0.2, depth - 0.2)


BED = Item((1.4, 1.8), (2.0, 2.05), _bed)
WARDROBE = Item((1.2, 2.4), (0.55, 0.62), _wardrobe)
SOFA = Item((1.7, 2.4), (0.8, 0.95), _sofa)
COUNTER = Item((1.4, 3.2), (0.6, 0.62), _counter)
BATH = Item((1.6, 1.75), (0.7, 0.78), _bath)
SHOWER = Item((0.8, 0.95), (0.8, 0.95), _shower)
TOILET = Item((0.38, 0.42), (0.6, 0.66), _toilet)
STAIRS = Item((2.2, 3.0), (0.95, 1.1), _stairs)
TABLE = Item((1.8, 2.4), (1.4, 1.6), _table, at_wall=False)
ROUND_TABLE = Item((1.3, 1.7), (1.3, 1.7), _round_table, at_wall=False)
RUG = Item((1.4, 2.0), (1.0, 1.4), _rug, at_wall=False)

# What a room is called, and what it is furnished with, by the area of its largest box in square metres.
ROOMS: tuple[tuple[float, tuple[tuple[str, tuple[Item, ...]], ...]], ...] = (
    (
        7.0,
        (("BATH", (BATH, TOILET, SHOWER)), ("WC", (TOILET, SHOWER)), ("STORE", (WARDROBE,)), ("UTILITY", (COUNTER,))),
    ),
    (
        13.0,
        (("KITCHEN", (COUNTER, COUNTER, ROUND_TABLE)), ("BEDROOM", (BED, WARDROBE)), ("BATH", (BATH, SHOWER, TOILET))),
    ),
    (
        20.0,
        (
            ("BEDROOM", (BED, WARDROBE, RUG)),
            ("KITCHEN", (COUNTER, COUNTER, TABLE)),
            ("STUDY", (SOFA, TABLE)),
            ("LIVING ROOM", (SOFA, RUG, ROUND_TABLE)),
        ),
    ),
    (1e9, (("LIVING ROOM", (SOFA, RUG, TABLE, STAIRS)), ("DINING ROOM", (TABLE, WARDROBE, ROUND_TABLE)))),
)


def overlaps(one: Rectangle, other: Rectangle) -> bool:
    """Whether two rectangles share area."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def place(
    item: Item, interior: Rectangle, taken: list[Rectangle], rng: np.random.Generator
) -> tuple[Frame, float, float, Rectangle] | None:
    """Find a free place for an item in a room: its frame, sizes and rectangle, or None where nothing fits."""
    x0, y0, x1, y1 = interior
    for _ in range(12):
        width, depth = rng.uniform(*item.width), rng.uniform(*item.depth)
        side = int(rng.integers(4))
        along, across = ((x1 - x0), (y1 - y0)) if side % 2 == 0 else ((y1 - y0), (x1 - x0))
        if width > along or depth > across - 0.5:
            continue
        shift = rng.choice([0.0, along - width, rng.uniform(0, along - width)])
        gap = rng.choice([0.0, 0.06]) if item.at_wall else (across - depth) * rng.uniform(0.4, 0.6)
        frame = _frames(interior)[side]
        corners = [frame.at(shift, gap), frame.at(shift + width, gap + depth)]
        xs, ys = sorted(corner[0] for corner in corners), sorted(corner[1] for corner in corners)
        rectangle = (xs[0], ys[0], xs[1], ys[1])
        if not any(overlaps(rectangle, other) for other in taken):
            return Frame(frame.at(shift, gap), frame.along, frame.into), width, depth, rectangle
    return None


def _frames(interior: Rectangle) -> tuple[Frame, ...]:
    """The four walls of a room: top, right, bottom, left."""
    x0, y0, x1, y1 = interior
    return (
        Frame((x0, y0), (1, 0), (0, 1)),
        Frame((x1, y0), (0, 1), (-1, 0)),
        Frame((x1, y1), (-1, 0), (0, -1)),
        Frame((x0, y1), (0, -1), (1, 0)),
    )
