"""How a family of blueprints looks: every choice of the generator that is not left to chance."""

from dataclasses import dataclass, field, replace
from types import MappingProxyType

Range = tuple[float, float]


@dataclass(frozen=True)
class Style:
    """One family. Lengths in metres, image sizes in pixels, building and room sizes in decimetres, chances 0..1."""

    image: tuple[int, int] = (1200, 900)
    building_width: tuple[int, int] = (95, 155)
    room_area: tuple[int, int] = (800, 3000)
    corridor: float = 0.3
    merged_rooms: float = 0.15
    cut_corner: float = 0.15
    extra_doors: float = 0.15
    walls: str = "solid"  # solid, grey, hatched, hollow, line
    outer_wall: Range = (0.24, 0.36)
    inner_wall: Range = (0.1, 0.16)
    line_pixels: tuple[int, int] = (1, 2)
    windows: bool = False
    doors: tuple[str, ...] = ("gap",)  # gap, swing, leaf, double, sliding, threshold
    furniture: float = 0.0
    labels: bool = False
    dimensions: bool = False
    frame: bool = False
    inverted: bool = False
    rotation: float = 0.0  # degrees to either side
    scanned: bool = False
    tags: tuple[str, ...] = field(default=())


_PLAIN = Style()
_DOORS = replace(_PLAIN, windows=True, doors=("gap", "swing", "leaf", "double", "sliding", "threshold"))
_FURNISHED = replace(_DOORS, furniture=0.85, labels=True, dimensions=True)

# What the detector promises: recall and precision of at least 0.95 on each.
FAMILIES = MappingProxyType(
    {
        "plain": _PLAIN,
        "doors": _DOORS,
        "furnished": _FURNISHED,
        "labelled": replace(_PLAIN, labels=True, dimensions=True, frame=True, doors=("gap", "swing")),
        "thickness": replace(_FURNISHED, outer_wall=(0.4, 0.55), inner_wall=(0.07, 0.1)),
        "irregular": replace(_FURNISHED, merged_rooms=0.9, cut_corner=0.8, corridor=0.5),
        "inverted": replace(_FURNISHED, inverted=True),
        "rotated": replace(_FURNISHED, rotation=8.0),
        "scanned": replace(_FURNISHED, rotation=3.0, scanned=True),
        "inverted-scanned": replace(_FURNISHED, rotation=5.0, scanned=True, inverted=True),
    }
)

# Other ways to draw a house. What holds for them is in the workload's README.
VARIATIONS = MappingProxyType(
    {
        "grey": replace(_FURNISHED, walls="grey"),
        "hatched": replace(_FURNISHED, walls="hatched", inner_wall=(0.12, 0.2)),
        "hollow": replace(_FURNISHED, walls="hollow", inner_wall=(0.12, 0.2)),
        "hollow-scanned": replace(_FURNISHED, walls="hollow", inner_wall=(0.12, 0.2), rotation=3.0, scanned=True),
        "line": replace(_DOORS, walls="line", doors=("gap", "swing", "leaf"), windows=False, labels=True),
        "line-furnished": replace(_FURNISHED, walls="line", doors=("gap", "swing", "leaf"), windows=False),
        "massive": replace(_FURNISHED, outer_wall=(0.7, 1.0), inner_wall=(0.4, 0.5), building_width=(130, 170)),
        "framed": replace(_FURNISHED, frame=True),
        "tiny": replace(_DOORS, image=(300, 225), outer_wall=(0.3, 0.4), inner_wall=(0.16, 0.2), labels=False),
        "large": replace(_FURNISHED, image=(4000, 3000), line_pixels=(3, 5)),
        "many-rooms": replace(_FURNISHED, building_width=(250, 320), room_area=(900, 1800), image=(2000, 1500)),
    }
)
