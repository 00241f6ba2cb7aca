"""The location detector's answer for people: a table of rooms, and a picture of them on the blueprint."""

import colorsys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

_FILL_OPACITY = 90
_GOLDEN_RATIO = 0.618034


def rows(result: Mapping[str, Any]) -> list[Sequence[object]]:
    """A row a room: id, area, size of the bounding box, corners, confidence. Lengths in pixels."""
    return [
        (
            room["id"],
            f"{room['area']:,.0f}",
            f"{room['bounding_box']['width']:.0f} x {room['bounding_box']['height']:.0f}",
            len(room["vertices"]),
            f"{room['confidence']:.2f}",
        )
        for room in result["rooms"]
    ]


def draw_overlay(blueprint: Path, result: Mapping[str, Any], target: Path) -> None:
    """Save `blueprint` with each room's polygon, id and area drawn on it, as PNG."""
    with Image.open(blueprint) as opened:
        picture = opened.convert("RGBA")
    layer = Image.new("RGBA", picture.size)
    draw = ImageDraw.Draw(layer)
    size = max(12, picture.width // 60)
    font = ImageFont.load_default(size=size)
    for number, room in enumerate(result["rooms"]):
        corners = [(corner["x"], corner["y"]) for corner in room["vertices"]]
        colour = _colour(number)
        draw.polygon(corners, fill=(*colour, _FILL_OPACITY), outline=(*colour, 255), width=max(2, picture.width // 400))
    for room in result["rooms"]:
        # In the upper left corner, where a plan seldom has a label of its own.
        corner = min(((corner["x"], corner["y"]) for corner in room["vertices"]), key=sum)
        place = (corner[0] + size / 2, corner[1] + size / 2)
        text = f"{room['id']}: {room['area']:,.0f} px"
        draw.text(place, text, font=font, fill="black", stroke_width=2, stroke_fill="white")
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.alpha_composite(picture, layer).convert("RGB").save(target, format="PNG")


def _colour(number: int) -> tuple[int, int, int]:
    """The `number`th of a series of colours, each far from the one before."""
    red, green, blue = colorsys.hsv_to_rgb(number * _GOLDEN_RATIO % 1, 0.75, 0.85)
    return round(red * 255), round(green * 255), round(blue * 255)
