"""JSON as it is written to the log and between the processes: several times in each request."""

import json
import re
from typing import Any

import orjson

_SURROGATE = re.compile("[\ud800-\udfff]")


def encode(document: dict[str, Any]) -> bytes:
    """`document` as JSON in UTF-8, without line breaks; what JSON has no form for as its `str`.

    Half of a surrogate pair, which a file's name may have, becomes its number: `\\udcff`.
    """
    try:
        return orjson.dumps(document, default=str)
    except TypeError:  # such a half, or a very large number
        text = json.dumps(document, default=str, ensure_ascii=False)
        return _SURROGATE.sub(lambda half: rf"\\u{ord(half[0]):04x}", text).encode()


def error(code: str, message: str) -> bytes:
    """The body of a response that is an error."""
    return encode({"error": {"code": code, "message": message}})


decode = orjson.loads
"""The value in a JSON text.

Raises:
    ValueError: it is not JSON in UTF-8.
"""
