"""The golden requests of location_detector: which blueprints they show, and how their files are made.

python -m tests.workloads.golden     # writes the images and the detector's answers anew
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2

from tests.workloads.blueprints import FAMILIES, Blueprint, Style, blueprint
from tests.workloads.handler import load_handler, model_dir

FOLDER = Path(__file__).parents[2] / "container/workloads/location_detector/golden"

_FLAT = replace(
    FAMILIES["furnished"],
    building_width=(95, 120),
    room_area=(1300, 3000),
    merged_rooms=0.5,
    doors=("swing",),
    furniture=1.0,
    corridor=1.0,
    cut_corner=0.3,
)


@dataclass(frozen=True)
class Golden:
    """A golden request whose blueprint is drawn: file, content type, style and seed."""

    file: str
    content_type: str
    style: Style
    seed: int

    def drawn(self) -> Blueprint:
        """Draw it, with its true rooms."""
        return blueprint(self.style, self.seed)


DRAWN = {
    "flat": Golden("blueprint.png", "image/png", _FLAT, 13),
    "light-on-dark": Golden("blueprint.png", "image/png", replace(_FLAT, inverted=True, doors=("swing", "leaf")), 1),
    "scanned": Golden("blueprint.jpg", "image/jpeg", replace(_FLAT, rotation=4.0, scanned=True), 11),
}


def answer(data: bytes, content_type: str) -> dict[str, Any]:
    """Ask the handler, with the configuration it is shipped with."""
    handler = load_handler()
    prediction = handler.predict_fn(handler.input_fn(data, content_type), handler.model_fn(str(model_dir())))
    document: dict[str, Any] = json.loads(handler.output_fn(prediction, "application/json")[0])
    return document


def main() -> None:
    """Write the images and the answers."""
    for name, golden in DRAWN.items():
        path = FOLDER / name / golden.file
        path.parent.mkdir(parents=True, exist_ok=True)
        image = golden.drawn().image
        options = [cv2.IMWRITE_PNG_COMPRESSION, 9] if path.suffix == ".png" else [cv2.IMWRITE_JPEG_QUALITY, 72]
        path.write_bytes(cv2.imencode(path.suffix, image, options)[1].tobytes())
        expected = answer(path.read_bytes(), golden.content_type)
        (path.parent / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
