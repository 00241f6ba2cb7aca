"""The detector's settings: `config.json` of the model artifact, checked."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NoReturn

from room_detection.errors import ConfigError

FILE = "config.json"


@dataclass(frozen=True)
class Settings:
    """What `config.json` may set; areas in pixels of the image."""

    min_area: float = 1000
    max_area: float = 1_000_000
    epsilon_factor: float = 0.01
    min_image_side: int = 32
    max_image_side: int = 20_000
    max_image_pixels: int = 50_000_000
    max_request_bytes: int = 33_554_432


# Lowest and highest value of each setting. OpenCV transforms no image with a side beyond 32,766 pixels; Pillow itself
# sees an attack in images a little larger than max_image_pixels may be.
RANGES: dict[str, tuple[float, float]] = {
    "min_area": (0, 1e9),
    "max_area": (1, 1e9),
    "epsilon_factor": (0, 0.1),
    "min_image_side": (16, 1000),
    "max_image_side": (1000, 30_000),
    "max_image_pixels": (10_000, 89_000_000),
    "max_request_bytes": (1000, 1_000_000_000),
}


def load_settings(model_dir: str | Path) -> Settings:
    """Read `config.json`; a field that is not in it keeps its default.

    Raises ConfigError if the file is missing, no JSON object, or holds an unknown, repeated or disallowed value.
    """
    path = Path(model_dir) / FILE
    try:
        document = json.loads(path.read_bytes(), object_pairs_hook=_without_repeats, parse_constant=_no_number)
    except FileNotFoundError:
        raise ConfigError(f"{path}: is missing; the model artifact must hold {FILE}") from None
    except ValueError as error:
        raise ConfigError(f"{path}: is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: is {_shown(document)}; allowed is an object with {', '.join(RANGES)}")
    for name, value in document.items():
        _check(path, name, value)
    settings = Settings(**document)
    if settings.min_area >= settings.max_area:
        raise ConfigError(
            f"{path}: min_area is {settings.min_area}; allowed is less than max_area ({settings.max_area})"
        )
    return settings


def _check(path: Path, name: str, value: Any) -> None:
    if name not in RANGES:
        raise ConfigError(f"{path}: {name} is unknown; allowed are {', '.join(RANGES)}")
    low, high = RANGES[name]
    whole = next(field.type for field in fields(Settings) if field.name == name) is int
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise ConfigError(f"{path}: {name} is {_shown(value)}; allowed is {kind} from {low:,.10g} to {high:,.10g}")


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)} is given twice")
    return document


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")
