"""What was promised, what was measured, and the table of both."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from servers.contenders import OURS, STARLETTE, TOOLKIT


@dataclass(frozen=True)
class Measure:
    """Something that is measured of each server. Ratios are ours to another's."""

    key: str
    title: str
    form: str
    limit: float | None = None
    """Ours has to be below."""
    ratios: tuple[tuple[str, float], ...] = ()
    """Against which server, and how many times as much ours has to be: at least where more is better, else at most."""
    more_is_better: bool = False


MEASURES = (
    Measure("small", "requests/s, 1 KB, 8 clients", "{:.0f}", None, ((TOOLKIT.name, 3), (STARLETTE.name, 0.6)), True),
    Measure("large", "requests/s, 5 MB in and out, 2 clients", "{:.1f}", None, ((TOOLKIT.name, 2),), True),
    Measure("ready", "seconds until ready, no model", "{:.2f}", 0.5, ((TOOLKIT.name, 0.5),)),
    Measure("idle", "MB of memory, idle", "{:.0f}", 120, ((TOOLKIT.name, 0.5),)),
    Measure("body", "times a 200 MB body in memory, in and out", "{:.2f}", 1.2),
    Measure("ping", "ms /ping took at most, handler holding the GIL for 5 s", "{:.0f}", 50),
)

Results = Mapping[str, Mapping[str, Sequence[float]]]
"""Samples by the key of the measure and the name of the server, one of each server in each round."""


@dataclass(frozen=True)
class Promise:
    """A limit, and what was measured against it."""

    key: str
    title: str
    value: float
    allowed: str
    kept: bool


def promises(results: Results) -> list[Promise]:
    """Every limit that there are measurements for. A ratio is the median of those of the rounds, in which the servers
    took turns: what disturbed a whole round disturbed all of them."""
    found: list[Promise] = []
    for measure in MEASURES:
        samples = results.get(measure.key, {})
        if OURS.name not in samples:
            continue
        ours = samples[OURS.name]
        if measure.limit is not None:
            value = statistics.median(ours)
            found.append(Promise(measure.key, measure.title, value, f"below {measure.limit:g}", value < measure.limit))
        for name, bound in measure.ratios:
            if name not in samples:
                continue
            ratio = statistics.median(our / their for our, their in zip(ours, samples[name], strict=True))
            kept = ratio >= bound if measure.more_is_better else ratio <= bound
            allowed = f"{'at least' if measure.more_is_better else 'at most'} {bound:g}"
            found.append(Promise(measure.key, f"{measure.title}: times {name}", ratio, allowed, kept))
    return found


def table(results: Results, names: list[str]) -> str:
    """Two Markdown tables: what each server reached, and the promises."""
    rows = [["", *names]]
    for measure in MEASURES:
        if samples := results.get(measure.key):
            cells = [
                measure.form.format(statistics.median(samples[name])) if name in samples else "-" for name in names
            ]
            rows.append([measure.title, *cells])
    kept = [["promise", "measured", "allowed", ""]]
    kept += [[p.title, f"{p.value:.2f}", p.allowed, "kept" if p.kept else "BROKEN"] for p in promises(results)]
    return f"{_aligned(rows)}\n\n{_aligned(kept)}"


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, " | ".join("-" * width for width in widths))
    return "\n".join(f"| {line} |" for line in lines)
