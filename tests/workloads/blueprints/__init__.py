"""Blueprints whose rooms are known: `blueprint(style, seed)` draws one, with the true outline of every room."""

from dataclasses import dataclass

import numpy as np

from tests.workloads.blueprints.drawing import Outline, draw
from tests.workloads.blueprints.plans import random_plan
from tests.workloads.blueprints.scanning import Image, coloured, rotated, scanned
from tests.workloads.blueprints.styles import FAMILIES, VARIATIONS, Style

__all__ = ["FAMILIES", "VARIATIONS", "Blueprint", "Style", "blueprint"]

_WHITE_PAPER = ((255, 255, 255), (244, 250, 250), (225, 236, 238))
_DARK_INK = ((0, 0, 0), (40, 35, 30), (90, 40, 20))
_BLUE_PAPER = ((140, 72, 22), (110, 60, 30), (60, 40, 30))
_LIGHT_INK = ((255, 250, 245), (235, 230, 215))


@dataclass(frozen=True)
class Blueprint:
    """An image (height x width x blue, green, red) and its rooms, polygons of x, y in pixels of the image."""

    image: Image
    rooms: tuple[Outline, ...]


def blueprint(style: Style, seed: int) -> Blueprint:
    """Draw the blueprint that this style and seed stand for; the same one each time."""
    rng = np.random.default_rng(seed)
    plan = random_plan(style, rng)
    ink, rooms = draw(plan, style, rng)
    papers, pens = (_BLUE_PAPER, _LIGHT_INK) if style.inverted else (_WHITE_PAPER, _DARK_INK)
    paper, pen = papers[int(rng.integers(len(papers)))], pens[int(rng.integers(len(pens)))]
    image = coloured(ink, paper, pen)
    if style.rotation:
        image, matrix = rotated(image, rng.uniform(-style.rotation, style.rotation), paper)
        rooms = [room @ matrix[:, :2].T + matrix[:, 2] for room in rooms]
    if style.scanned:
        image = scanned(image, rng)
    return Blueprint(image, tuple(rooms))
