"""Comparing an answer with the expected one. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glue.workloads.golden import Tolerance

_SHOWN = 60


@dataclass(frozen=True)
class Difference:
    """One place (a path such as `$.rooms[2].area`) where an answer is not the expected one, and in what."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


def differences(expected: Any, actual: Any, tolerance: Tolerance, path: str = "$") -> Iterator[Difference]:
    """Every place where `actual` differs from `expected` (both JSON data).

    Numbers may differ by `tolerance`; 1 and 1.0 are the same number, true is none. Keys may come in any order,
    elements of a list may not.
    """
    match expected, actual:
        case (Mapping(), Mapping()):
            yield from _mappings(expected, actual, tolerance, path)
        case (list(), list()):
            yield from _lists(expected, actual, tolerance, path)
        case _ if _is_number(expected) and _is_number(actual):
            if expected != actual and not _close(expected, actual, tolerance):
                allowed = (
                    f" (± {tolerance.absolute:g} or {tolerance.relative:.3g} of it)" if tolerance != Tolerance() else ""
                )
                yield Difference(path, f"expected {_shown(expected)}{allowed}, found {_shown(actual)}")
        case _ if type(expected) is not type(actual) or expected != actual:
            yield Difference(path, f"expected {_shown(expected)}, found {_shown(actual)}")


def summary(found: Sequence[Difference], *, most: int = 5) -> str:
    """`found` in one line, the first `most` of them in full."""
    rest = f"; and {len(found) - most} more" if len(found) > most else ""
    return "; ".join(map(str, found[:most])) + rest


def _mappings(expected: Any, actual: Any, tolerance: Tolerance, path: str) -> Iterator[Difference]:
    for key in expected:
        if key in actual:
            yield from differences(expected[key], actual[key], tolerance, _below(path, key))
        else:
            yield Difference(_below(path, key), f"expected {_shown(expected[key])}, found nothing")
    for key in actual:
        if key not in expected:
            yield Difference(_below(path, key), f"expected nothing, found {_shown(actual[key])}")


def _lists(expected: list[Any], actual: list[Any], tolerance: Tolerance, path: str) -> Iterator[Difference]:
    if len(expected) != len(actual):
        yield Difference(path, f"expected {len(expected)} elements, found {len(actual)}")
    for index, (one, other) in enumerate(zip(expected, actual, strict=False)):
        yield from differences(one, other, tolerance, f"{path}[{index}]")


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if key.isidentifier() else f"{path}[{json.dumps(key)}]"


def _close(expected: float, actual: float, tolerance: Tolerance) -> bool:
    try:
        return abs(expected - actual) <= max(tolerance.absolute, tolerance.relative * abs(expected))
    except OverflowError:  # integers beyond what a float holds
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
