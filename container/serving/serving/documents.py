"""JSON as it is written to the log and between the processes: several times in each request."""

import json
from typing import Any

import orjson


def encode(document: dict[str, Any]) -> bytes:
    """`document` as JSON in UTF-8, without line breaks; what JSON has no form for as its `str`."""
    try:
        return orjson.dumps(document, default=str)
    except TypeError:  # half of a surrogate pair, which a file's name may have, or a very large number
        return json.dumps(document, default=str).encode()


def error(code: str, message: str) -> bytes:
    """The body of a response that is an error."""
    return encode({"error": {"code": code, "message": message}})


decode = orjson.loads
"""The value in a JSON text.

Raises:
    ValueError: it is not JSON in UTF-8.
"""
