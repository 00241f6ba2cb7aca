"""A plan on paper: walls with their openings, furniture, labels, dimension lines; and the rooms' true outlines."""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from tests.workloads.blueprints.canvas import Canvas, Frame, Gray
from tests.workloads.blueprints.furniture import ROOMS, Rectangle, overlaps, place
from tests.workloads.blueprints.plans import Opening, Plan, Wall
from tests.workloads.blueprints.styles import Style

Outline = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Walls:
    """Wall thickness in metres, as drawn."""

    outer: float
    inner: float

    def thickness(self, wall: Wall) -> float:
        """Thickness of one wall."""
        return self.outer if wall.outer else self.inner


def draw(plan: Plan, style: Style, rng: np.random.Generator) -> tuple[Gray, list[Outline]]:
    """Draw a plan; return the ink (0 paper, 255 full) and every room's clear area as a polygon in pixels."""
    canvas = _sheet(plan, style, rng)
    thin = canvas.pen / canvas.scale
    walls = Walls(rng.uniform(*style.outer_wall), rng.uniform(*style.inner_wall))
    if style.walls == "line":
        walls = Walls(thin, thin)
    full = _wall_mask(canvas, plan, walls)
    outlines = _outlines(canvas, plan, full)
    _draw_walls(canvas, full, plan, walls, style)
    for opening in plan.openings:
        _draw_opening(canvas, opening, walls, str(rng.choice(style.doors)), thin)
    _furnish(canvas, plan, walls, style, rng)
    if style.dimensions:
        _dimension_lines(canvas, plan, walls.outer)
    if style.frame:
        _frame_sheet(canvas, plan)
    return canvas.finished(), outlines


def _sheet(plan: Plan, style: Style, rng: np.random.Generator) -> Canvas:
    width, height = style.image
    margin = 0.13 if style.dimensions else 0.07
    rows, columns = plan.cells.shape
    scale = min(width * (1 - 2 * margin) / columns, height * (1 - 2 * margin) / rows) * 10 * rng.uniform(0.88, 1.0)
    origin = ((width - columns * scale / 10) / 2, (height - rows * scale / 10) / 2)
    return Canvas(width, height, scale=scale, origin=origin, pen=rng.uniform(*style.line_pixels))


def _ends(wall: Wall) -> tuple[Frame, float]:
    """A wall's frame, first axis along it from its start, and its length in metres."""
    if wall.vertical:
        return Frame((wall.position / 10, wall.start / 10), (0, 1), (1, 0)), wall.length / 10
    return Frame((wall.start / 10, wall.position / 10), (1, 0), (0, 1)), wall.length / 10


def _strip(canvas: Canvas, target: Gray, frame: Frame, span: tuple[float, float], half: float, ink: int) -> None:
    corners = [(span[0], -half), (span[1], -half), (span[1], half), (span[0], half)]
    cv2.fillPoly(target, [canvas.pixels(frame.at(*corner) for corner in corners)], ink)


def _wall_mask(canvas: Canvas, plan: Plan, walls: Walls) -> Gray:
    mask = np.zeros_like(canvas.ink)
    for wall in plan.walls:
        frame, length = _ends(wall)
        half = walls.thickness(wall) / 2
        _strip(canvas, mask, frame, (-half, length + half), half, 255)
    return mask


def _outlines(canvas: Canvas, plan: Plan, wall_mask: Gray) -> list[Outline]:
    outlines = []
    for room in plan.boxes:
        cells = (plan.cells == room).astype(np.uint8)
        region = np.zeros_like(wall_mask)
        for contour in cv2.findContours(np.kron(cells, np.ones((2, 2), np.uint8)), 0, cv2.CHAIN_APPROX_NONE)[0]:
            # The contour runs through cell centres of a doubled grid: half a doubled cell lies outside it.
            cv2.fillPoly(region, [canvas.pixels((contour.reshape(-1, 2) + 0.5) / 20)], 255)
        reach = round(0.05 * canvas.scale * canvas.fine) + 1
        region = np.asarray(cv2.dilate(region, np.ones((3, 3), np.uint8), iterations=reach), np.uint8)
        region[wall_mask > 0] = 0
        contours, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        outline = max(contours, key=cv2.contourArea).reshape(-1, 2)
        outlines.append((outline + 0.5) / canvas.fine - 0.5)
    return outlines


def _draw_walls(canvas: Canvas, full: Gray, plan: Plan, walls: Walls, style: Style) -> None:
    mask = full.copy()
    for opening in plan.openings:
        frame, _ = _ends(opening.wall)
        start = opening.wall.start
        half = walls.thickness(opening.wall) / 2 + 2 / canvas.scale
        _strip(canvas, mask, frame, ((opening.start - start) / 10, (opening.end - start) / 10), half, 0)
    if style.walls in ("solid", "line"):
        np.maximum(canvas.ink, mask, out=canvas.ink)
        return
    if style.walls == "grey":
        np.maximum(canvas.ink, mask // 3, out=canvas.ink)
    if style.walls == "hatched":
        np.maximum(canvas.ink, cv2.bitwise_and(mask, _hatching(canvas)), out=canvas.ink)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(canvas.ink, contours, -1, 255, max(1, round(canvas.pen * canvas.fine)))


def _hatching(canvas: Canvas) -> Gray:
    lines = np.zeros_like(canvas.ink)
    step = round(0.1 * canvas.scale * canvas.fine)
    height, width = lines.shape
    for x in range(-height, width, step):
        cv2.line(lines, (x, height), (x + height, 0), 255, max(1, round(0.8 * canvas.pen * canvas.fine)))
    return lines


def _draw_opening(canvas: Canvas, opening: Opening, walls: Walls, kind: str, thin: float) -> None:
    frame, _ = _ends(opening.wall)
    half = walls.thickness(opening.wall) / 2
    width = (opening.end - opening.start) / 10
    start = (opening.start - opening.wall.start) / 10
    if opening.kind == "window":
        for offset in (-half + thin / 2, 0.0, half - thin / 2):
            canvas.line([frame.at(start, offset), frame.at(start + width, offset)])
        return
    side = -1 if opening.into_first else 1
    here, there = (start, start + width) if opening.hinge_at_start else (start + width, start)
    hinge = frame.at(here, side * half)
    along = tuple(value * (1 if there > here else -1) for value in frame.along)
    into = tuple(value * side for value in frame.into)
    door = Frame(hinge, (along[0], along[1]), (into[0], into[1]))
    _draw_door(canvas, door, width, half, kind)


def _draw_door(canvas: Canvas, door: Frame, width: float, half: float, kind: str) -> None:
    """`door` has its origin at the hinge, its first axis across the opening and its second into the room."""
    quarter = np.radians(np.linspace(0, 90, 24))
    if kind in ("swing", "leaf"):
        canvas.line([door.at(float(width * np.cos(turn)), float(width * np.sin(turn))) for turn in quarter])
        if kind == "leaf":
            canvas.box(door, 0, 0, 0.045, width)
        else:
            canvas.line([door.at(0, 0), door.at(0, width)])
    elif kind == "double":
        reach = width / 2
        for hinge, sign in ((0.0, 1), (width, -1)):
            tips = [(hinge + sign * reach * np.cos(turn), reach * np.sin(turn)) for turn in quarter]
            canvas.line([door.at(float(a), float(b)) for a, b in tips])
            canvas.line([door.at(hinge, 0), door.at(hinge, reach)])
    elif kind == "sliding":
        canvas.box(door, -0.02, -half, width * 0.55, 0.04)
        canvas.box(door, width * 0.45, -half - 0.05, width * 0.57, 0.04)
    elif kind == "threshold":
        canvas.line([door.at(0, 0), door.at(width, 0)])
        canvas.line([door.at(0, -2 * half), door.at(width, -2 * half)])


def _furnish(canvas: Canvas, plan: Plan, walls: Walls, style: Style, rng: np.random.Generator) -> None:
    doors = [_clearance(opening) for opening in plan.openings if opening.kind == "door"]
    names: Counter[str] = Counter()
    for room, box in plan.boxes.items():
        half = walls.inner / 2
        left, top = box.x / 10 + half, box.y / 10 + half
        interior = (left, top, left + box.width / 10 - 2 * half, top + box.height / 10 - 2 * half)
        interior = _inside_outer_walls(interior, plan, room, walls)
        area = (interior[2] - interior[0]) * (interior[3] - interior[1])
        kinds = next(kinds for limit, kinds in ROOMS if area < limit)
        rarest = min(names[name] for name, _ in kinds)
        kinds = tuple(kind for kind in kinds if names[kind[0]] == rarest)
        name, items = kinds[int(rng.integers(len(kinds)))]
        names[name] += 1
        if min(box.width, box.height) < 17:
            name, items = "HALL", ()
        taken = [door for door in doors if overlaps(door, interior)]
        if style.labels:
            taken.append(_label(canvas, name, area, interior, taken))
        for item in items:
            spot = place(item, interior, taken, rng) if rng.random() < style.furniture else None
            if spot:
                frame, width, depth, rectangle = spot
                item.draw(canvas, frame, width, depth)
                taken.append(rectangle)


def _inside_outer_walls(interior: Rectangle, plan: Plan, room: int, walls: Walls) -> Rectangle:
    """Outer walls are thicker: keep furniture out of them."""
    x0, y0, x1, y1 = interior
    extra = (walls.outer - walls.inner) / 2
    for wall in plan.walls:
        if wall.outer and room in wall.rooms:
            at = wall.position / 10
            if wall.vertical:
                x0, x1 = (x0 + extra, x1) if abs(at - x0) < 0.3 else (x0, x1 - extra if abs(at - x1) < 0.3 else x1)
            else:
                y0, y1 = (y0 + extra, y1) if abs(at - y0) < 0.3 else (y0, y1 - extra if abs(at - y1) < 0.3 else y1)
    return x0, y0, x1, y1


def _clearance(opening: Opening) -> Rectangle:
    """The floor in front of a door on both sides."""
    frame, _ = _ends(opening.wall)
    start = (opening.start - opening.wall.start) / 10
    width = (opening.end - opening.start) / 10
    one, other = frame.at(start, -width), frame.at(start + width, width)
    return (min(one[0], other[0]), min(one[1], other[1]), max(one[0], other[0]), max(one[1], other[1]))


def _label(canvas: Canvas, name: str, area: float, interior: Rectangle, taken: list[Rectangle]) -> Rectangle:
    height = max(7.0, 0.2 * canvas.scale)
    wide, high = 0.75 * height * len(name) / canvas.scale, 2.6 * height / canvas.scale
    x0, y0, x1, y1 = interior
    best: Rectangle | None = None
    for fraction_y in (0.5, 0.35, 0.65, 0.22, 0.78):
        for fraction_x in (0.5, 0.3, 0.7):
            x, y = x0 + (x1 - x0) * fraction_x, y0 + (y1 - y0) * fraction_y
            here = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
            best = best or here
            if not any(overlaps(here, other) for other in taken):
                best = here
                break
        else:
            continue
        break
    assert best is not None
    x, y = (best[0] + best[2]) / 2, (best[1] + best[3]) / 2
    canvas.text(name, (x, y - 0.65 * height / canvas.scale), height)
    canvas.text(f"{area:.1f} m2", (x, y + 0.65 * height / canvas.scale), 0.8 * height)
    return best


def _dimension_lines(canvas: Canvas, plan: Plan, outer: float) -> None:
    rows, columns = plan.cells.shape
    away = outer / 2 + 0.45
    text = max(7.0, 0.17 * canvas.scale)
    for vertical, length, position in ((False, columns / 10, -away), (True, rows / 10, -away)):
        marks = {0.0, length}
        marks |= {
            wall.start / 10 for wall in plan.walls if wall.outer and wall.vertical == vertical and wall.rooms[0] == 0
        }
        ordered = sorted(marks)
        frame = Frame((position, 0), (0, 1), (1, 0)) if vertical else Frame((0, position))
        canvas.line([frame.at(-0.15, 0), frame.at(length + 0.15, 0)])
        for mark in ordered:
            canvas.line([frame.at(mark - 0.08, -0.08), frame.at(mark + 0.08, 0.08)])
            canvas.line([frame.at(mark, -0.2), frame.at(mark, 0.3)])
        for one, other in pairwise(ordered):
            canvas.text(f"{other - one:.2f}", frame.at((one + other) / 2, -0.2), text)


def _frame_sheet(canvas: Canvas, plan: Plan) -> None:
    """A border around the sheet with a title block in its corner."""
    rows, columns = plan.cells.shape
    size = np.array(canvas.size) / canvas.scale
    sheet = Frame((columns / 20 - size[0] * 0.485, rows / 20 - size[1] * 0.48))
    width, height = size[0] * 0.97, size[1] * 0.96
    canvas.box(sheet, 0, 0, width, height, weight=1.6)
    canvas.box(sheet, width * 0.8, height * 0.95, width * 0.2, height * 0.05)
    canvas.text("GROUND FLOOR  1:100", sheet.at(width * 0.9, height * 0.975), max(7.0, 0.016 * canvas.size[1]))
