"""Data as HCL expressions. Nothing that comes out can be read as anything but the value that went in.

Source: the HCL native syntax specification, "Template Expressions" and "Quoted literals".
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

_TEMPLATE_START = re.compile(r"([$%])\{")
_NOT_PRINTED_RAW = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")


def expression(value: Any, indent: int = 0) -> str:  # noqa: PLR0911 - one return a kind of value
    """`value` (JSON data) as an HCL expression.

    Raises:
        TypeError: the value is no JSON data.
        ValueError: a number that HCL cannot write (infinite, not a number), or a string with a lone surrogate.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            if not math.isfinite(value):
                raise ValueError(f"{value}: HCL has no such number")
            return json.dumps(value)
        case str():
            return string(value)
        case Mapping():
            return _block(
                "{",
                [f"{string(str(key))} = {expression(item, indent + 2)}" for key, item in value.items()],
                "}",
                indent,
            )
        case Sequence():
            return _block("[", [f"{expression(item, indent + 2)}," for item in value], "]", indent)
    raise TypeError(f"{type(value).__name__}: only JSON data can be written as HCL")


def string(text: str) -> str:
    """`text` as a quoted HCL string, with quotes, control characters and template markers made harmless."""
    text.encode("utf-8")  # a lone surrogate is a ValueError here, not broken output later
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    )
    escaped = _NOT_PRINTED_RAW.sub(lambda found: f"\\u{ord(found.group()):04x}", escaped)
    # `$${` would do for `${`, but not after a run of `$`: an escaped brace is unambiguous.
    escaped = _TEMPLATE_START.sub(r"\1\\u007b", escaped)
    return f'"{escaped}"'


def _block(opening: str, lines: list[str], closing: str, indent: int) -> str:
    if not lines:
        return opening + closing
    pad = " " * (indent + 2)
    return "\n".join([opening, *(pad + line for line in lines), " " * indent + closing])
