"""What a request asks for: an image in its body, or a JSON object that names an image in S3."""

import json
from dataclasses import dataclass, field
from typing import Any, NoReturn

from room_detection.decoding import FORMATS
from room_detection.errors import RequestError

JSON = "application/json"
KEYS = ("bucket", "key", "metadata")
MOST_JSON_BYTES = 1_000_000


@dataclass(frozen=True)
class S3Image:
    """An object in S3 and what the caller wants to see again beside the answer."""

    bucket: str
    key: str
    metadata: dict[str, Any] = field(default_factory=dict)


def media_type(content_type: str | None) -> str:
    """Return a content type without its parameters; raises RequestError (415) for one that is not accepted."""
    accepted = (*FORMATS, JSON)
    name = (content_type or "").split(";")[0].strip().lower()
    if name not in accepted:
        given = f"{name[:60]!r} is not accepted" if name else "is missing"
        raise RequestError(415, f"the content type {given}: send {', '.join(accepted)}")
    return name


def parse_s3_image(body: bytes) -> S3Image:
    """Read `{"bucket": ..., "key": ..., "metadata": {...}}`, metadata optional; raises RequestError (400, 413)."""
    if len(body) > MOST_JSON_BYTES:
        raise RequestError(413, f"the JSON has {len(body)} bytes: at most {MOST_JSON_BYTES} are allowed")
    try:
        document = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise RequestError(400, "the body is no JSON: send an object with bucket and key") from None
    if not isinstance(document, dict):
        raise RequestError(400, "the JSON is no object: send an object with bucket and key")
    unknown = sorted(set(document) - set(KEYS))
    if unknown:
        raise RequestError(400, f"the JSON has an unknown key {unknown[0][:60]!r}: allowed are {', '.join(KEYS)}")
    for name in ("bucket", "key"):
        if not isinstance(document.get(name), str) or not document[name]:
            raise RequestError(400, f"the JSON's {name} must be text that is not empty")
    if not isinstance(document.get("metadata", {}), dict):
        raise RequestError(400, "the JSON's metadata must be an object")
    return S3Image(**document)


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)
