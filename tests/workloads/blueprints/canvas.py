"""A sheet to draw on in metres: lines, shapes and text in ink of a given darkness (0 paper, 255 full)."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Point = tuple[float, float]
Gray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Frame:
    """A place on the plan: `at(a, b)` is `a` metres along its first axis and `b` along its second."""

    origin: Point
    along: Point = (1.0, 0.0)
    into: Point = (0.0, 1.0)

    def at(self, a: float, b: float) -> Point:
        """Plan coordinates, in metres, of a local point."""
        return (
            self.origin[0] + a * self.along[0] + b * self.into[0],
            self.origin[1] + a * self.along[1] + b * self.into[1],
        )


class Canvas:
    """Ink on a sheet, drawn several times finer than asked and averaged down, so that edges are smooth."""

    def __init__(self, width: int, height: int, *, scale: float, origin: Point, pen: float) -> None:
        """Take the size in pixels, pixels per metre, the pixel of the plan's origin and the pen's width in pixels."""
        self.size = (width, height)
        self.fine = max(1, min(4, 4800 // width))
        self.scale, self.origin = scale, origin
        self.pen = pen
        self.ink = np.zeros((height * self.fine, width * self.fine), np.uint8)

    def pixels(self, points: Iterable[Point]) -> npt.NDArray[np.int32]:
        """Return points of the plan in pixels of the fine sheet."""
        metres = np.asarray(list(points), np.float64).reshape(-1, 2)
        return np.rint((metres * self.scale + self.origin) * self.fine).astype(np.int32)

    def line(self, points: Iterable[Point], *, closed: bool = False, weight: float = 1.0, ink: int = 255) -> None:
        """Draw a line through points; `weight` multiplies the pen's width."""
        thickness = max(1, round(self.pen * weight * self.fine))
        cv2.polylines(self.ink, [self.pixels(points)], closed, ink, thickness, cv2.LINE_AA)

    def fill(self, points: Iterable[Point], ink: int = 255) -> None:
        """Fill a polygon."""
        cv2.fillPoly(self.ink, [self.pixels(points)], ink)

    def box(self, frame: Frame, a: float, b: float, width: float, depth: float, **pen: float) -> None:
        """Outline a rectangle of a frame, from its corner `a, b`."""
        corners = [(a, b), (a + width, b), (a + width, b + depth), (a, b + depth)]
        self.line([frame.at(*corner) for corner in corners], closed=True, weight=pen.get("weight", 1.0))

    def arc(self, centre: Point, radius: float, start: float = 0.0, end: float = 360.0) -> None:
        """Draw part of a circle, angles in degrees."""
        angles = np.radians(np.linspace(start, end, 48))
        self.line(zip(centre[0] + radius * np.cos(angles), centre[1] + radius * np.sin(angles), strict=True))

    def text(self, words: str, centre: Point, height: float) -> None:
        """Write horizontally around a point; `height` in pixels of the sheet."""
        font = _font(max(4, round(height * self.fine)))
        x, y = self.pixels([centre])[0]
        left, top, right, bottom = (round(value) for value in font.getbbox(words))
        letters = Image.new("L", (right - left + 2, bottom - top + 2))
        ImageDraw.Draw(letters).text((1 - left, 1 - top), words, fill=255, font=font)
        self._stamp(np.asarray(letters), int(x), int(y))

    def _stamp(self, letters: Gray, x: int, y: int) -> None:
        top, left = max(0, y - letters.shape[0] // 2), max(0, x - letters.shape[1] // 2)
        target = self.ink[top : top + letters.shape[0], left : left + letters.shape[1]]
        np.maximum(target, letters[: target.shape[0], : target.shape[1]], out=target)

    def finished(self) -> Gray:
        """Return the ink at the sheet's own resolution."""
        ink = cv2.resize(self.ink, self.size, interpolation=cv2.INTER_AREA) if self.fine > 1 else self.ink
        return np.asarray(ink, np.uint8)


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType: labels cannot be drawn")
    return font
